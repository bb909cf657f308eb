from pathlib import Path
from typing import Any

import pytest

from readstate.errors import ExitCode
from readstate.simulator.server.server import RunningSimulator
from tests.helpers.cli_shell import run_command, succeed
from tests.helpers.mark_read_rows import world_rows


def test_the_plan_says_what_was_left_out_and_who_will_see_it(twilio: RunningSimulator, mark_read: Any) -> None:
    output = mark_read("--all")

    rows = world_rows(twilio)
    closed = [row for row in rows if row["conversation_state"] == "closed"]
    never = [row for row in rows if row not in closed and row["last_read_message_index"] is None]
    assert output.selection["rows"] == len(rows)
    assert output.selection["left_out"]["closed"] == len(closed)
    assert output.selection["left_out"]["never_read"] == len(never)
    audience = output.selection["audience"]
    assert audience["users"] == len({user for user, _ in output.changes})
    assert audience["conversations"] == len({conversation for _, conversation in output.changes})
    service = twilio.world.default_service
    online = {user.sid for user in service.users() if user.is_online}
    assert audience["online"] == len(online & {user for user, _ in output.changes})


def test_the_text_says_what_was_selected_and_what_to_type_next(twilio: RunningSimulator) -> None:
    result = succeed("mark-read", "--all", "--unread-at-least", "3")

    assert "Filter  states active, inactive; unread at least 3" in result.stdout
    assert "never read" not in result.stdout.split("Skipped")[1].split("\n")[0]
    assert "fewer unread or not counted" in result.stdout
    assert "online now" in result.stdout
    assert "To apply:  readstate apply plans/p-" in result.stdout
    (plan,) = Path("plans").iterdir()
    for page in ("summary.txt", "summary.md", "summary.html"):
        assert "fewer unread or not counted" in (plan / page).read_text(), page
    assert run_command("show", str(plan)).code == 0


@pytest.mark.parametrize(
    ("users", "conditions", "code", "words"),
    [
        ("--all", ["--conversation-updated-before", "30000d"], ExitCode.DONE, "were skipped"),
        ("--users=gone.txt", [], ExitCode.DONE, "in no conversation"),
        ("--users=none.txt", [], ExitCode.SOME_FAILED, "Twilio knows none of the users\nIs it the right account"),
    ],
)
def test_a_selection_of_nothing_says_so(users: str, conditions: list[str], code: ExitCode, words: str) -> None:
    Path("none.txt").write_text("nobody-at-all\n")
    Path("gone.txt").write_text(f"US{'0' * 32}\n")

    result = run_command("mark-read", users, *conditions)

    assert result.code == code
    assert words in result.stderr
    assert "nothing is selected: " in result.stderr.lower()
    assert "readstate apply" not in result.stdout
