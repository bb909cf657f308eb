"""What to type where the disk refuses while personal data is deleted."""

import pytest

from readstate.errors import ExitCode, LocalDisk
from readstate_jobs.runs import forget
from tests.helpers.cli_shell import RunCommand


def test_the_next_step_is_the_same_command_and_not_the_run_that_is_deleted(
    readstate: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise LocalDisk("journal.sqlite: disk I/O error", hint="readstate resume r-20261123T000000Z-aaaa")

    monkeypatch.setattr(forget, "find_plan", refuse)

    output = readstate("forget", "p-0d9d669077d7", "--yes")

    assert output.code == ExitCode.LOCAL_DISK
    assert "disk I/O error" in output.stderr
    assert "run the same command again" in output.stderr
    assert "resume" not in output.stderr
