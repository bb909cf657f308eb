"""Commands that nobody watches: how much they print, where else to, and who hears how they ended."""

import json
import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from readstate.errors import ExitCode
from readstate.simulator.server.server import RunningSimulator
from tests.helpers.cli_shell import RunCommand
from tests.helpers.export_command import EXPORT, make_long_lists_fail
from tests.helpers.ping_server import ping_server


def test_a_quiet_success_prints_nothing_and_is_in_the_log(connected: RunCommand) -> None:
    for arguments in ([*EXPORT, "-q"], ["snapshots", "root", "--keep", "1", "--yes", "-q"]):
        output = connected(*arguments, "--log-file", "log")

        assert (output.code, output.stdout, output.stderr) == (0, "", "")
    log = Path("log").read_text()
    assert "60 users to read\n" in log
    assert re.search(r"users vanished +0\n", log), "what is not printed is in the log"
    assert log.count("exit code 0: done\n") == 2


def test_a_quiet_failure_prints_the_result_and_one_word(connected: RunCommand, twilio: RunningSimulator) -> None:
    make_long_lists_fail(twilio)

    output = connected(*EXPORT, "-q")

    assert output.code == ExitCode.SOME_FAILED
    assert "NO" in output.stdout
    assert output.stderr == "error: readstate export: exit code 3: finished, and some users or rows failed\n"


def test_a_quiet_error_prints_the_error_and_what_to_do(connected: RunCommand) -> None:
    output = connected(*EXPORT, "-q", "--deadline", "0.001")

    assert output.code == ExitCode.STOPPED_EARLY
    assert output.stdout == ""
    assert output.stderr.splitlines()[0] == "error: the deadline has come"
    assert "To resume:  readstate export" in output.stderr


def test_json_is_printed_however_quiet_a_command_is(connected: RunCommand) -> None:
    output = connected(*EXPORT, "-q", "--json")

    assert output.document["manifest"]["complete"] is True
    assert output.stderr == ""


@pytest.mark.parametrize(("flags", "shown"), [([], 0), (["-v"], 1), (["-vv"], 2)])
def test_more_is_printed_where_it_is_wanted(
    connected: RunCommand, twilio: RunningSimulator, flags: list[str], shown: int
) -> None:
    twilio.faults = replace(twilio.faults, vanished_users_share=1.0)

    output = connected(*EXPORT, *flags)

    assert ("no longer exists" in output.stderr, "GET answered 200" in output.stderr) == (shown > 0, shown > 1)
    assert "users vanished" in output.stdout


def test_quiet_and_verbose_exclude_each_other(connected: RunCommand) -> None:
    assert connected(*EXPORT, "-q", "-v").code == ExitCode.USAGE


def test_the_environment_can_make_commands_quiet(connected: RunCommand) -> None:
    output = connected(
        *EXPORT,
        env={"READSTATE_LOG_LEVEL": "error", "READSTATE_LOG_FILE": "log", "READSTATE_LOG_FORMAT": "json"},
    )

    assert output.stdout + output.stderr == ""
    lines = [json.loads(line) for line in Path("log").read_text().splitlines()]
    assert lines[-1]["exit_code"] == 0


def test_a_log_that_cannot_be_written_is_refused_before_anything(connected: RunCommand) -> None:
    output = connected(*EXPORT, "--log-file", "nowhere/log")

    assert output.code == ExitCode.LOCAL_DISK
    assert "nowhere/log" in output.stderr


@pytest.mark.process
def test_a_failure_is_heard_of_by_the_service_and_the_command_and_stays_one(connected: RunCommand) -> None:
    with ping_server() as service:
        output = connected(
            *EXPORT, "--deadline", "0.001", "--ping", f"{service.url}/uuid", "--on-end", "cat > outcome; exit 1"
        )

    assert output.code == ExitCode.STOPPED_EARLY
    assert service.pings == [
        ("/uuid/start", ""),
        ("/uuid/fail", "readstate export: exit code 15: the deadline has come"),
    ]
    assert "To resume:" in json.loads(Path("outcome").read_text())["hint"]
    assert output.stderr.endswith("error: --on-end: the command ended with 1\n")
