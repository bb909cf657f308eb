"""An id of one kind where another is wanted is told as what it is, with the command that takes it."""

import pytest

from readstate.errors import ExitCode
from tests.helpers.cli_shell import RunCommand

PLAN, RUN = "p-0123456789ab", "r-20261123T140000Z-ab12"


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (["status", PLAN], f"readstate show {PLAN}"),
        (["verify", PLAN], f"readstate show {PLAN}"),
        (["undo", PLAN], f"readstate show {PLAN}"),
        (["report", PLAN], f"readstate show {PLAN}"),
        (["show", RUN], f"readstate status {RUN}"),
        (["report", RUN], "readstate report ROOT"),
    ],
)
def test_the_command_that_takes_it_is_named(words: list[str], advice: str, readstate: RunCommand) -> None:
    output = readstate(*words)

    assert output.code == ExitCode.BAD_INPUT
    assert advice in output.stderr


@pytest.mark.parametrize("command", ["plan", "mark-read"])
def test_the_default_service_is_left_out_and_not_named(command: str, readstate: RunCommand) -> None:
    output = readstate(command, "--all" if command == "mark-read" else "changes.csv", "--service", "default")

    assert output.code == ExitCode.BAD_INPUT
    assert "Leave --service out for the default service." in output.stderr
