import signal
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from readstate.errors import ExitCode
from readstate.simulator.server.server import RunningSimulator
from readstate.twilio.connect import Connection
from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response
from readstate_jobs.cli import session
from tests.helpers.cli_shell import run_command
from tests.helpers.mark_read_rows import OPEN, key_of, newest, plainly_named, quoted, requests, unread, world_rows


def test_every_unread_row_goes_to_the_newest_message_and_no_other_row_is_touched(
    twilio: RunningSimulator, mark_read: Any
) -> None:
    output = mark_read("--all")

    expected = unread(twilio)
    assert output.changes.keys() == {key for key, row in expected.items() if newest(twilio, row) is not None}
    for key, row in output.changes.items():
        assert row["set_index"] == newest(twilio, expected[key]) > row["before_index"]
        assert row["before_index"] == expected[key]["last_read_message_index"]
        assert (row["set_level"], row["op"], row["pre_kind"]) == (None, "update", "advance")


def test_the_newest_message_is_asked_for_once_per_conversation(twilio: RunningSimulator, mark_read: Any) -> None:
    output = mark_read("--all")

    conversations = {conversation for _, conversation in unread(twilio)}
    assert requests(twilio, "/Messages") == len(conversations) < len(output.changes)
    assert output.document["request_estimate"]["plan_requests"] == twilio.counters().requests


def test_never_read_rows_are_set_only_when_asked(twilio: RunningSimulator, mark_read: Any) -> None:
    output = mark_read("--all", "--include-never-read")

    first = {key: row for key, row in output.changes.items() if row["direction"] == "first_set"}
    never = [row for row in world_rows(twilio) if row["last_read_message_index"] is None]
    expected = {key_of(row) for row in never if row["conversation_state"] in OPEN and newest(twilio, row) is not None}
    assert first.keys() == expected
    assert {row["undo_class"] for row in first.values()} == {"partial"}
    assert output.document["reasons"].get("EMPTY_CONVERSATION", 0) > 0
    assert "never_read" not in output.selection["left_out"]


def test_closed_conversations_are_touched_only_when_asked(twilio: RunningSimulator, mark_read: Any) -> None:
    output = mark_read("--all", "--state", "closed")

    expected = unread(twilio, states={"closed"})
    assert output.changes.keys() == {key for key, row in expected.items() if newest(twilio, row) is not None}
    assert expected
    assert set(output.selection["left_out"]) <= {"other_state", "never_read", "nothing_unread"}


def test_levels_can_be_set_alone(twilio: RunningSimulator, mark_read: Any) -> None:
    output = mark_read("--all", "--unmute", "--keep-unread", "--muted")

    muted = {
        key_of(row)
        for row in world_rows(twilio)
        if row["notification_level"] == "muted" and row["conversation_state"] in OPEN
    }
    assert output.changes.keys() == muted
    assert {(row["set_index"], row["set_level"]) for row in output.changes.values()} == {(None, "default")}
    assert requests(twilio, "/Messages") == 0
    assert output.selection["audience"]["conversations"] == len({conversation for _, conversation in muted})


def test_levels_can_be_set_along_with_the_horizon(twilio: RunningSimulator, mark_read: Any) -> None:
    output = mark_read("--all", "--mute")

    read = {key for key, row in unread(twilio).items() if newest(twilio, row) is not None}
    loud = {
        key_of(row)
        for row in world_rows(twilio)
        if row["notification_level"] != "muted" and row["conversation_state"] in OPEN
    }
    assert output.changes.keys() == read | loud
    assert {key for key, row in output.changes.items() if row["set_index"] is not None} == read
    assert {key for key, row in output.changes.items() if row["set_level"] is not None} == loud


def test_some_users_are_named_by_sid_or_identity_each_once(twilio: RunningSimulator, mark_read: Any) -> None:
    rows = unread(twilio)
    users = plainly_named(twilio)[:3]
    sids = [user.sid for user in users]
    Path("users.csv").write_text(f"user\n{sids[0]}\n{users[0].identity}\n{sids[1]}\n{sids[2]}\nnobody\nUS{'0' * 32}\n")

    output = mark_read("--users", "users.csv")

    assert {user for user, _ in output.changes} <= set(sids)
    expected = {key for key, row in rows.items() if key[0] in sids and newest(twilio, row) is not None}
    assert output.changes.keys() == expected
    counted = [output.selection[name] for name in ("users", "users_vanished", "users_unknown")]
    assert counted == [3, 1, 1]
    assert requests(twilio, "/Users/{UserSid}") == 2, "a SID costs no request of its own"


def test_what_is_excluded_is_left_alone_by_whatever_name(twilio: RunningSimulator, mark_read: Any) -> None:
    rows = list(unread(twilio))
    odd = next(user for user in twilio.world.default_service.users() if "%2F" in user.identity)
    plain = next(user for user in plainly_named(twilio) if user.sid in {sid for sid, _ in rows})
    pair = next(key for key in rows if key[0] not in {odd.sid, plain.sid})
    conversation = next(sid for user, sid in rows if user not in {odd.sid, plain.sid} and sid != pair[1])
    lines = ["user,conversation", f"{plain.identity},", f"{quoted(odd.identity)},", f",{conversation}", ",".join(pair)]
    Path("exclude.csv").write_text("\n".join([*lines, "no such user,"]))

    output = mark_read("--all", "--exclude", "exclude.csv", "--include-never-read")

    excluded = [
        key_of(row)
        for row in world_rows(twilio)
        if row["user_sid"] in {odd.sid, plain.sid} or row["conversation_sid"] == conversation or key_of(row) == pair
    ]
    assert not {key_of(row) for row in output.rows} & set(excluded)
    assert output.selection["left_out"]["excluded"] == len(excluded)
    result = run_command("mark-read", "--all", "--exclude", "exclude.csv")
    assert "there is no user 'no such user'" in result.stderr


def test_conversations_that_changed_lately_stay_as_they_are(twilio: RunningSimulator, mark_read: Any) -> None:
    rows = unread(twilio)
    dates = sorted(row["date_updated"] for row in rows.values())
    middle = dates[len(dates) // 2]

    output = mark_read("--all", "--conversation-updated-before", middle)

    assert {key_of(row) for row in output.rows} == {key for key, row in rows.items() if row["date_updated"] < middle}
    assert mark_read("--all", "--conversation-updated-before", "1d").rows, "the world is older than a day"
    assert not mark_read("--all", "--conversation-updated-before", "30000d").rows


def test_another_service_is_chosen_by_name(twilio: RunningSimulator, mark_read: Any) -> None:
    other = twilio.world.services[1]

    output = mark_read("--all", "--service", other.sid)

    assert output.document["service_sid"] == other.sid
    assert output.changes
    assert {user for user, _ in output.changes} <= {user.sid for user in other.users()}


def test_what_cannot_be_read_is_not_planned_and_not_hidden(
    twilio: RunningSimulator, mark_read: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = unread(twilio)
    user = next(user for user, _ in rows if sum(1 for key in rows if key[0] == user) > 1)
    monkeypatch.setattr(session, "connection", _failing_for(f"/Users/{user}/Conversations"))

    output = mark_read("--all", code=ExitCode.SOME_FAILED)

    assert user not in {changed for changed, _ in output.changes}
    assert output.changes
    assert output.selection["users_failed"] == 1


@pytest.mark.parametrize("reading", ["/Conversations", "/Messages"])
def test_a_run_that_is_stopped_leaves_nothing_half_written_and_says_what_to_type(
    reading: str, twilio: RunningSimulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "own"))
    (tmp_path / "own").mkdir()
    monkeypatch.setattr(session, "connection", _interrupted_at(reading))

    result = run_command("mark-read", "--all", "--max-in-flight", "2")

    assert result.code == ExitCode.INTERRUPTED
    assert result.stdout == ""
    assert result.stderr.splitlines()[-2] == "error: stopped by SIGINT"
    assert result.stderr.splitlines()[-1].endswith("run the command again.")
    assert list((tmp_path / "plans").iterdir()) == []
    assert list((tmp_path / "own").iterdir()) == []


def _failing_for(ending: str) -> Any:
    refusal = Response(400, {}, b'{"code": 20001, "message": "no", "status": 400}')
    return _answering(lambda request: refusal if request.path.endswith(ending) else None)


def _interrupted_at(ending: str) -> Any:
    """The fifth request of that kind is answered after Ctrl-C."""
    numbers = count(1)

    def press(request: Request) -> None:
        if request.path.endswith(ending) and next(numbers) == 5:
            signal.raise_signal(signal.SIGINT)

    return _answering(press)


def _answering(hook: Callable[[Request], Response | None]) -> Any:
    """A connection on which *hook* may answer in Twilio's place."""
    real = session.connection

    class Hooked:
        def __init__(self, inner: Any) -> None:
            self._inner = inner

        async def send(self, request: Request) -> Response:
            answer: Response = hook(request) or await self._inner.send(request)
            return answer

    @asynccontextmanager
    async def connect(*arguments: Any, **options: Any) -> AsyncIterator[Connection]:
        async with real(*arguments, **options) as found:
            yield Connection(Hooked(found.transport), found.limiter, found.page_size)

    return connect
