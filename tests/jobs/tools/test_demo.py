import re
import shlex
from pathlib import Path

import pytest

from readstate.errors import ExitCode
from tests.helpers.cli_shell import RunCommand
from tests.helpers.exporting import published_rows


@pytest.mark.process  # a query has a process of its own
def test_it_exports_a_world_of_its_own_and_says_what_to_type_next(readstate: RunCommand) -> None:
    real = {"TWILIO_AUTH_TOKEN": "a demo must not touch it", "READSTATE_BASE_URL": "http://127.0.0.1:9"}
    output = readstate("demo", "--users", "80", "--out", "tried", env=real)

    assert output.code == ExitCode.DONE, output.stderr
    assert "A simulated Twilio listens on http://127.0.0.1:" in output.stderr
    assert "Published tried/_snapshots/" in output.stdout
    assert len(published_rows(Path("tried"))) > 80
    assert not Path("tried/.work").exists()
    following = re.findall(r"^  (\S.*)$", output.stdout.split("Next, try:")[1], re.MULTILINE)
    assert len(following) == 3
    for line in following:
        program, *words = shlex.split(line)
        assert program.endswith("readstate")
        assert readstate(*words).code == ExitCode.DONE, line


def test_it_can_be_repeated(readstate: RunCommand) -> None:
    words = ["demo", "--users", "10", "--out", "tried", "--seed", "4"]

    assert readstate(*words).code == readstate(*words).code == ExitCode.DONE
    assert len(list(Path("tried").glob("user_conversations/*/*.parquet"))) == 1
