"""``readstate mark-read``, as a person types it, against a Twilio on loopback whose key may not write."""

import json
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from readstate.errors import BadInput, ExitCode
from readstate.simulator.seed.records import User
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import RunningSimulator, running
from readstate.simulator.world.world import World
from readstate.twilio.connect import Connection
from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response
from readstate_jobs.cli import session
from readstate_jobs.cli.main import main
from readstate_jobs.mark_read.options import parse_age_or_date

Row = dict[str, Any]
OPEN = {"active", "inactive"}


@pytest.fixture(scope="module")
def twilio() -> Iterator[RunningSimulator]:
    with running(World(WorldShape(users=80, services=2, heaviest=60, odd_identities=0.4))) as simulator:
        yield simulator


@pytest.fixture(autouse=True)
def desk(twilio: RunningSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    for name in ("TWILIO_AUTH_TOKEN", "TWILIO_EDGE", "TWILIO_REGION"):
        monkeypatch.delenv(name, raising=False)
    # This key may read and nothing else: a write would be refused, and counted below.
    monkeypatch.setenv("TWILIO_API_KEY", twilio.credentials.restricted_api_key)
    monkeypatch.setenv("TWILIO_API_SECRET", twilio.credentials.restricted_api_secret)
    monkeypatch.setenv("READSTATE_BASE_URL", twilio.base_url)
    monkeypatch.setenv("READSTATE_WORK_DIR", str(tmp_path / "work"))
    twilio.reset_counters()
    before = len(twilio.effects())
    yield
    assert {method for method, _, _ in twilio.counters().answers} <= {"GET"}
    assert [effect for effect in twilio.effects()[before:] if effect.actor.startswith("RQ")] == []


class Told:
    """What one run of the command said."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.selection: dict[str, Any] = document["selection"]
        table = pq.read_table(Path(document["plan_dir"]) / "rows.parquet")
        self.rows: list[Row] = table.to_pylist()

    @property
    def changes(self) -> dict[tuple[str, str], Row]:
        """The rows that would be carried out."""
        return {key_of(row): row for row in self.rows if row["disposition"] == "update"}


def key_of(row: Row) -> tuple[str, str]:
    return row["user_sid"], row["conversation_sid"]


@pytest.fixture
def mark_read(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: str, code: int = 0) -> Told:
        capsys.readouterr()
        assert main(["mark-read", *arguments, "--json"]) == code, capsys.readouterr().err
        told = Told(json.loads(capsys.readouterr().out))
        left_out = sum(told.selection["left_out"].values())
        assert told.selection["selected"] + left_out == told.selection["rows"]
        assert len(told.rows) == told.selection["selected"]
        return told

    return run


def world_rows(twilio: RunningSimulator) -> list[Row]:
    world, oracle = twilio.world, twilio.oracle
    users = [user for service, user in world.users() if service is world.default_service]
    return [row for user in users for row in oracle.user_conversations(world.default_service, user)]


def newest(twilio: RunningSimulator, row: Row) -> int | None:
    conversation = twilio.world.default_service.find_conversation(row["conversation_sid"])
    assert conversation is not None
    return conversation.messages.newest()


def unread(twilio: RunningSimulator, *, states: set[str] = OPEN) -> dict[tuple[str, str], Row]:
    """The rows that a plain mark-read is about."""
    return {
        key_of(row): row
        for row in world_rows(twilio)
        if row["conversation_state"] in states
        and row["last_read_message_index"] is not None
        and row["unread_messages_count"] != 0
    }


def plainly_named(twilio: RunningSimulator) -> list[User]:
    """The users whose identity needs no care, in the order of their SIDs."""
    return [user for user in twilio.world.default_service.users() if user.identity.startswith("user-")]


def quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def requests(twilio: RunningSimulator, ending: str) -> int:
    return sum(count for (_, path, _), count in twilio.counters().answers.items() if path.endswith(ending))


def test_every_unread_row_goes_to_the_newest_message_and_no_other_row_is_touched(
    twilio: RunningSimulator, mark_read: Any
) -> None:
    told = mark_read("--all")

    expected = unread(twilio)
    assert told.changes.keys() == {key for key, row in expected.items() if newest(twilio, row) is not None}
    for key, row in told.changes.items():
        assert row["set_index"] == newest(twilio, expected[key]) > row["before_index"]
        assert row["before_index"] == expected[key]["last_read_message_index"]
        assert (row["set_level"], row["op"], row["pre_kind"]) == (None, "update", "advance")


def test_the_newest_message_is_asked_for_once_per_conversation(twilio: RunningSimulator, mark_read: Any) -> None:
    told = mark_read("--all")

    conversations = {conversation for _, conversation in unread(twilio)}
    assert requests(twilio, "/Messages") == len(conversations) < len(told.changes)
    assert told.document["request_estimate"]["plan_requests"] == twilio.counters().requests


def test_the_plan_says_what_was_left_out_and_who_will_see_it(twilio: RunningSimulator, mark_read: Any) -> None:
    told = mark_read("--all")

    rows = world_rows(twilio)
    closed = [row for row in rows if row["conversation_state"] == "closed"]
    never = [row for row in rows if row not in closed and row["last_read_message_index"] is None]
    assert told.selection["rows"] == len(rows)
    assert told.selection["left_out"]["closed"] == len(closed)
    assert told.selection["left_out"]["never_read"] == len(never)
    audience = told.selection["audience"]
    assert audience["users"] == len({user for user, _ in told.changes})
    assert audience["conversations"] == len({conversation for _, conversation in told.changes})
    service = twilio.world.default_service
    online = {user.sid for user in service.users() if user.is_online}
    assert audience["online"] == len(online & {user for user, _ in told.changes})


def test_a_person_reads_the_same_and_how_to_go_on(twilio: RunningSimulator, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mark-read", "--all", "--unread-at-least", "3"]) == 0

    out = capsys.readouterr().out
    assert "Asked   states active, inactive; unread at least 3" in out
    assert "never read" not in out.split("Skipped")[1].split("\n")[0]
    assert "fewer unread or not counted" in out
    assert "online now" in out
    assert "To carry it out: readstate apply plans/p-" in out
    (plan,) = Path("plans").iterdir()
    for page in ("summary.txt", "summary.md", "summary.html"):
        assert "fewer unread or not counted" in (plan / page).read_text(), page
    assert main(["show", str(plan)]) == 0


def test_never_read_rows_are_set_only_when_asked(twilio: RunningSimulator, mark_read: Any) -> None:
    told = mark_read("--all", "--include-never-read")

    first = {key: row for key, row in told.changes.items() if row["direction"] == "first_set"}
    never = [row for row in world_rows(twilio) if row["last_read_message_index"] is None]
    expected = {key_of(row) for row in never if row["conversation_state"] in OPEN and newest(twilio, row) is not None}
    assert first.keys() == expected
    assert {row["undo_class"] for row in first.values()} == {"partial"}
    assert told.document["reasons"].get("EMPTY_CONVERSATION", 0) > 0
    assert "never_read" not in told.selection["left_out"]


def test_closed_conversations_are_touched_only_when_asked(twilio: RunningSimulator, mark_read: Any) -> None:
    told = mark_read("--all", "--state", "closed")

    expected = unread(twilio, states={"closed"})
    assert told.changes.keys() == {key for key, row in expected.items() if newest(twilio, row) is not None}
    assert expected
    assert set(told.selection["left_out"]) <= {"other_state", "never_read", "nothing_unread"}


def test_levels_can_be_set_alone(twilio: RunningSimulator, mark_read: Any) -> None:
    told = mark_read("--all", "--unmute", "--keep-unread", "--muted")

    muted = {
        key_of(row)
        for row in world_rows(twilio)
        if row["notification_level"] == "muted" and row["conversation_state"] in OPEN
    }
    assert told.changes.keys() == muted
    assert {(row["set_index"], row["set_level"]) for row in told.changes.values()} == {(None, "default")}
    assert requests(twilio, "/Messages") == 0
    assert told.selection["audience"]["conversations"] == len({conversation for _, conversation in muted})


def test_levels_can_be_set_along_with_the_horizon(twilio: RunningSimulator, mark_read: Any) -> None:
    told = mark_read("--all", "--mute")

    read = {key for key, row in unread(twilio).items() if newest(twilio, row) is not None}
    loud = {
        key_of(row)
        for row in world_rows(twilio)
        if row["notification_level"] != "muted" and row["conversation_state"] in OPEN
    }
    assert told.changes.keys() == read | loud
    assert {key for key, row in told.changes.items() if row["set_index"] is not None} == read
    assert {key for key, row in told.changes.items() if row["set_level"] is not None} == loud


def test_some_users_are_named_by_sid_or_identity_each_once(twilio: RunningSimulator, mark_read: Any) -> None:
    rows = unread(twilio)
    users = plainly_named(twilio)[:3]
    sids = [user.sid for user in users]
    Path("users.csv").write_text(f"user\n{sids[0]}\n{users[0].identity}\n{sids[1]}\n{sids[2]}\nnobody\nUS{'0' * 32}\n")

    told = mark_read("--users", "users.csv")

    assert {user for user, _ in told.changes} <= set(sids)
    expected = {key for key, row in rows.items() if key[0] in sids and newest(twilio, row) is not None}
    assert told.changes.keys() == expected
    assert (told.selection["users"], told.selection["users_vanished"]) == (3, 2)
    assert requests(twilio, "/Users/{UserSid}") == 2, "a SID costs no request of its own"


def test_what_is_excluded_is_left_alone_by_whatever_name(
    twilio: RunningSimulator, mark_read: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = list(unread(twilio))
    odd = next(user for user in twilio.world.default_service.users() if "%2F" in user.identity)
    plain = next(user for user in plainly_named(twilio) if user.sid in {sid for sid, _ in rows})
    pair = next(key for key in rows if key[0] not in {odd.sid, plain.sid})
    conversation = next(sid for user, sid in rows if user not in {odd.sid, plain.sid} and sid != pair[1])
    lines = ["user,conversation", f"{plain.identity},", f"{quoted(odd.identity)},", f",{conversation}", ",".join(pair)]
    Path("exclude.csv").write_text("\n".join([*lines, "no such user,"]))

    told = mark_read("--all", "--exclude", "exclude.csv", "--include-never-read")

    excluded = [
        key_of(row)
        for row in world_rows(twilio)
        if row["user_sid"] in {odd.sid, plain.sid} or row["conversation_sid"] == conversation or key_of(row) == pair
    ]
    assert not {key_of(row) for row in told.rows} & set(excluded)
    assert told.selection["left_out"]["excluded"] == len(excluded)
    main(["mark-read", "--all", "--exclude", "exclude.csv"])
    assert "there is no user 'no such user'" in capsys.readouterr().err


def test_conversations_that_changed_lately_stay_as_they_are(twilio: RunningSimulator, mark_read: Any) -> None:
    rows = unread(twilio)
    dates = sorted(row["date_updated"] for row in rows.values())
    middle = dates[len(dates) // 2]

    told = mark_read("--all", "--conversation-updated-before", middle)

    assert {key_of(row) for row in told.rows} == {key for key, row in rows.items() if row["date_updated"] < middle}
    assert mark_read("--all", "--conversation-updated-before", "1d").rows, "the world is older than a day"
    assert not mark_read("--all", "--conversation-updated-before", "30000d").rows


def test_another_service_is_chosen_by_name(twilio: RunningSimulator, mark_read: Any) -> None:
    other = twilio.world.services[1]

    told = mark_read("--all", "--service", other.sid)

    assert told.document["service_sid"] == other.sid
    assert told.changes
    assert {user for user, _ in told.changes} <= {user.sid for user in other.users()}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], ExitCode.USAGE, "--users or --all is missing"),
        (["--all", "--users", "x"], ExitCode.USAGE, "give one of them"),
        (["--all", "--keep-unread"], ExitCode.USAGE, "leaves nothing to do"),
        (["--all", "--state", "open"], ExitCode.BAD_INPUT, "open is not a state"),
        (["--all", "--state", ","], ExitCode.BAD_INPUT, "nothing is not a state"),
        (["--all", "--service", "default"], ExitCode.BAD_INPUT, "not a service's SID"),
        (["--all", "--unread-at-least", "1001"], ExitCode.USAGE, "1001"),
        (["--all", "--conversation-updated-before", "yesterday"], ExitCode.BAD_INPUT, "neither an age nor a date"),
        (["--all", "--exclude", "nowhere"], ExitCode.BAD_INPUT, "nowhere"),
    ],
)
def test_what_makes_no_sense_is_told_before_anything_is_asked(
    arguments: list[str], code: int, message: str, twilio: RunningSimulator, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["mark-read", *arguments]) == code

    assert message in capsys.readouterr().err
    assert twilio.counters().requests == 0
    assert not Path("plans").exists()


def test_a_file_for_several_services_is_refused(twilio: RunningSimulator, capsys: pytest.CaptureFixture[str]) -> None:
    Path("users.csv").write_text(f"user,service\nann,\nbob,{twilio.world.services[1].sid}\n")

    assert main(["mark-read", "--users", "users.csv"]) == ExitCode.BAD_INPUT
    assert "line 3 names the service" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("30d", timedelta(days=30)),
        ("12H", timedelta(hours=12)),
        ("2026-10-24", datetime(2026, 10, 24, tzinfo=UTC)),
        ("2026-10-24T02:00:00+02:00", datetime(2026, 10, 24, tzinfo=UTC)),
    ],
)
def test_an_age_or_a_date_is_understood(text: str, meaning: datetime | timedelta) -> None:
    assert parse_age_or_date(text) == meaning


@pytest.mark.parametrize("text", ["30", "5m", "2026-10-24T02:00:00", "24.10.2026", ""])
def test_what_could_mean_two_things_is_neither(text: str) -> None:
    with pytest.raises(BadInput):
        parse_age_or_date(text)


def test_what_cannot_be_read_is_not_planned_and_not_hidden(
    twilio: RunningSimulator, mark_read: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = unread(twilio)
    user = next(user for user, _ in rows if sum(1 for key in rows if key[0] == user) > 1)
    monkeypatch.setattr(session, "connection", _failing_for(f"/Users/{user}/Conversations"))

    told = mark_read("--all", code=ExitCode.SOME_FAILED)

    assert user not in {changed for changed, _ in told.changes}
    assert told.changes
    assert told.selection["users_failed"] == 1


@pytest.mark.parametrize("reading", ["/Conversations", "/Messages"])
def test_somebody_who_stops_it_finds_nothing_half_written_and_knows_what_to_type(
    reading: str, twilio: RunningSimulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: Any
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "own"))
    (tmp_path / "own").mkdir()
    monkeypatch.setattr(session, "connection", _interrupted_at(reading))

    assert main(["mark-read", "--all", "--max-in-flight", "2"]) == ExitCode.INTERRUPTED

    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines()[-2] == "error: stopped by SIGINT"
    assert captured.err.splitlines()[-1].endswith("run the command again.")
    assert "Traceback" not in captured.err
    assert list((tmp_path / "plans").iterdir()) == []
    assert list((tmp_path / "own").iterdir()) == []


@pytest.mark.parametrize(
    ("users", "conditions", "words"),
    [
        ("--all", ["--conversation-updated-before", "30000d"], "were left out"),
        ("--users=none.txt", [], "in no conversation"),
    ],
)
def test_a_selection_of_nothing_says_so(users: str, conditions: list[str], words: str, capsys: Any) -> None:
    Path("none.txt").write_text("nobody-at-all\n")

    assert main(["mark-read", users, *conditions]) == ExitCode.DONE

    told = capsys.readouterr()
    assert words in told.err
    assert "There is nothing to apply." in told.err
    assert "readstate apply" not in told.out


def _failing_for(ending: str) -> Any:
    def refuse(request: Request) -> Response | None:
        if request.path.endswith(ending):
            return Response(400, {}, b'{"code": 20001, "message": "no", "status": 400}')
        return None

    return _answering(refuse)


def _interrupted_at(ending: str) -> Any:
    """The fifth request of that kind is answered after somebody has pressed Ctrl-C."""
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
