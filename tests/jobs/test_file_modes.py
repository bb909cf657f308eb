"""Files are for their readers: outputs follow the umask, everything else is its owner's alone."""

import os
import stat
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from readstate.errors import ExitCode
from tests.helpers.bulk_changes import mixed_lines
from tests.helpers.cli_shell import Shell, run_command
from tests.helpers.export_command import make_long_lists_fail
from tests.helpers.snapshots import publish, row


@pytest.fixture(autouse=True)
def _a_umask_that_lets_everybody_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    before = os.umask(0)
    yield
    os.umask(before)


def _modes(*places: Path) -> set[str]:
    """The modes of *places*, and of everything below them."""
    below = [path for place in places for path in ([place, *place.rglob("*")] if place.is_dir() else [place])]
    return {stat.filemode(path.lstat().st_mode) for path in below}


def test_outputs_follow_the_umask(shell: Shell, tmp_path: Path) -> None:
    for arguments in (
        ["export", "--out", "root", "--metrics-file", "readstate.prom"],
        ["report", "root", "--out", "report.html"],
    ):
        assert shell.call(*arguments).code == 0
    outputs = ("root", "readstate.prom", "report.html")

    assert _modes(*(tmp_path / name for name in outputs)) == {"drwxrwxrwx", "-rw-rw-rw-"}


def test_unfinished_work_plans_and_runs_are_their_owners_alone(shell: Shell, tmp_path: Path) -> None:
    faults = shell.twilio.faults
    make_long_lists_fail(shell.twilio)
    export = shell.call("export", "--out", "root", "--on-incomplete", "refuse")
    shell.twilio.faults = faults
    plan = shell.plan(mixed_lines(shell.twilio, updates=3, removals=0))
    applied = shell.call("apply", str(plan.directory))

    assert (export.code, applied.code) == (ExitCode.GUARD_REFUSED, ExitCode.DONE)
    names = {path.name for path in (tmp_path / "work").rglob("*")}
    assert {"checkpoint.sqlite", "journal.sqlite", "results.csv", "lock"} <= names
    assert _modes(tmp_path / "work", tmp_path / "plans") == {"drwx------", "-rw-------"}


@pytest.mark.process  # a query has a process of its own
@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["lint", "bad.csv", "--rejects"], "all.csv"),
        (["compare", "root", "--out"], "changes.parquet"),
        (["report", "root", "--out"], "report.html"),
        *((["sql", "root", "SELECT * FROM latest", "--out"], f"rows.{kind}") for kind in ("csv", "json", "parquet")),
    ],
)
def test_an_output_goes_through_a_link_to_a_device_which_stays(words: list[str], name: str) -> None:
    for day in (22, 23):
        publish("root", date(2026, 11, day), [row(1, 1)])
    Path("bad.csv").write_text("a,b\n")
    Path(name).symlink_to("/dev/null")

    output = run_command(*words, name)

    assert output.code == (ExitCode.BAD_INPUT if words[0] == "lint" else ExitCode.DONE), output
    assert Path(name).readlink() == Path("/dev/null")
    assert Path("/dev/null").is_char_device()
