from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from readstate.errors import BadInput, ExitCode
from readstate.simulator.server.server import RunningSimulator
from readstate_jobs.mark_read.options import parse_age_or_date
from tests.helpers.cli_shell import run_command


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], ExitCode.USAGE, "--users or --all is missing"),
        (["--all", "--users", "x"], ExitCode.USAGE, "use one of them"),
        (["--all", "--mute", "--unmute"], ExitCode.USAGE, "--mute and --unmute exclude each other"),
        (["--all", "--keep-unread"], ExitCode.USAGE, "leaves nothing to do"),
        (["--all", "--state", "open"], ExitCode.BAD_INPUT, "open is not a state"),
        (["--all", "--state", ","], ExitCode.BAD_INPUT, "nothing is not a state"),
        (["--all", "--service", "default"], ExitCode.BAD_INPUT, "not a service's SID"),
        (["--all", "--unread-at-least", "1001"], ExitCode.USAGE, "1001"),
        (["--all", "--conversation-updated-before", "yesterday"], ExitCode.BAD_INPUT, "neither an age nor a date"),
        (["--all", "--exclude", "nowhere"], ExitCode.BAD_INPUT, "nowhere"),
    ],
)
def test_options_that_contradict_are_refused_before_anything_is_sent(
    arguments: list[str], code: int, message: str, twilio: RunningSimulator
) -> None:
    output = run_command("mark-read", *arguments)
    assert output.code == code

    assert message in output.stderr
    assert twilio.counters().requests == 0
    assert not Path("plans").exists()


def test_a_file_for_several_services_is_refused(twilio: RunningSimulator) -> None:
    Path("users.csv").write_text(f"user,service\nann,\nbob,{twilio.world.services[1].sid}\n")

    output = run_command("mark-read", "--users", "users.csv")
    assert output.code == ExitCode.BAD_INPUT
    assert "line 3 names the service" in output.stderr


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("30d", timedelta(days=30)),
        ("12h", timedelta(hours=12)),
        ("2026-10-24", datetime(2026, 10, 24, tzinfo=UTC)),
        ("2026-10-24T02:00:00+02:00", datetime(2026, 10, 24, tzinfo=UTC)),
    ],
)
def test_an_age_or_a_date_is_understood(text: str, meaning: datetime | timedelta) -> None:
    assert parse_age_or_date(text) == meaning


@pytest.mark.parametrize(
    "text",
    [
        "30",
        "5m",
        "2026-10-24T02:00:00",
        "24.10.2026",
        "",
        "30D",
        "٣d",
        "20261024",
        "2026-W43-6",
        "2026-10-24 02:00:00Z",
        "2026-10-24T02Z",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_what_could_mean_two_things_is_neither(text: str) -> None:
    with pytest.raises(BadInput):
        parse_age_or_date(text)
