"""Plans against a simulated world: what is asked, what is decided, what is written down."""

import re
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from readstate.changes.current_state.target import find_target
from readstate.errors import BadInput, ExitCode, NotPermitted, Refused, Stopped
from readstate.simulator.seed.world_shape import WorldShape
from readstate.stop import StopReason, StopSwitch
from readstate.twilio.client import Reader
from tests.helpers.fake_clock import FakeClock
from tests.helpers.planning import NOW, DeskTransport, csv_of, make_plan
from tests.helpers.simulated_api import SimulatedApi


@pytest.fixture
def desk() -> SimulatedApi:
    return SimulatedApi(WorldShape(users=200, services=2, heaviest=130), now=NOW)


def rows_of(desk: SimulatedApi, user: str) -> list[Any]:
    return desk.rows(f"/v1/Users/{user}/Conversations")


def update(row: Any, **cells: Any) -> dict[str, Any]:
    return {"user": row["user_sid"], "conversation": row["conversation_sid"], **cells}


def users_with(desk: SimulatedApi, at_least: int, at_most: int) -> list[Any]:
    return [
        user for user in desk.service.users() if at_least <= len(desk.service.conversations_of(user.number)) <= at_most
    ]


async def test_one_row_of_a_user_is_one_request(desk: SimulatedApi, tmp_path: Path) -> None:
    row = desk.membership()

    planned = await make_plan(desk, csv_of(update(row, notification_level="muted")), tmp_path)

    assert planned.dispositions == ["update"]
    assert planned.rows[0].set_level == "muted"
    assert len(planned.sent) == 3  # two of them to find the service


async def test_many_rows_of_a_user_are_read_by_pages(desk: SimulatedApi, tmp_path: Path) -> None:
    user = users_with(desk, 110, 200)[0]
    rows = rows_of(desk, user.sid)

    planned = await make_plan(desk, csv_of(*(update(row, notification_level="muted") for row in rows)), tmp_path)

    assert len(rows) > 100
    assert len(planned.sent) == 2 + -(-len(rows) // 50)
    assert set(planned.dispositions) <= {"update", "blocked", "noop"}


async def test_reads_stay_near_the_cheapest_possible(desk: SimulatedApi, tmp_path: Path) -> None:
    lines, cheapest = [], 0
    for number, user in enumerate(users_with(desk, 1, 200)):
        rows = rows_of(desk, user.sid)
        wanted = rows[:: 1 + number % 9]
        lines += [update(row, notification_level="muted") for row in wanted]
        cheapest += min(len(wanted), -(-len(rows) // 50))

    planned = await make_plan(desk, csv_of(*lines), tmp_path)

    assert not {"not_found", "read_error"} & set(planned.dispositions)
    assert len(planned.sent) - 2 <= 1.02 * cheapest


async def test_the_newest_message_is_asked_for_once_per_conversation(desk: SimulatedApi, tmp_path: Path) -> None:
    members = Counter(
        row["conversation_sid"] for user in desk.service.users() for row in rows_of(desk, user.sid)
        if row["last_read_message_index"] is not None
    )  # fmt: skip
    shared, several = members.most_common(1)[0]
    lines = [
        update(row, last_read_message_index="@latest")
        for user in desk.service.users()
        for row in rows_of(desk, user.sid)
        if row["conversation_sid"] == shared and row["last_read_message_index"] is not None
    ]

    planned = await make_plan(desk, csv_of(*lines), tmp_path)

    assert several > 1
    assert sum(request.path.endswith("/Messages") for request in planned.sent) == 1


async def test_participants_are_read_for_timestamps_and_removals_only(desk: SimulatedApi, tmp_path: Path) -> None:
    row = desk.membership(horizon=True)
    for cells, expected in (
        ({"notification_level": "muted"}, 0),
        ({"last_read_timestamp": "2026-11-01T00:00:00Z"}, 1),
        ({"op": "delete"}, 1),
    ):
        planned = await make_plan(
            desk, csv_of(update(row, **cells)), tmp_path, operation=None if "op" in cells else "update"
        )
        assert sum("/Participants/" in request.path for request in planned.sent) == expected


async def test_several_removals_of_a_conversation_share_a_page(desk: SimulatedApi, tmp_path: Path) -> None:
    by_conversation: dict[str, list[Any]] = {}
    for user in desk.service.users():
        for row in rows_of(desk, user.sid):
            by_conversation.setdefault(row["conversation_sid"], []).append(row)
    rows = max(by_conversation.values(), key=len)[:8]
    assert rows[0]["conversation_state"] != "closed"

    planned = await make_plan(desk, csv_of(*(update(row, op="delete") for row in rows)), tmp_path, operation=None)

    assert planned.dispositions == ["delete"] * 8
    assert sum(request.path.endswith("/Participants") for request in planned.sent) == 1
    assert sum("/Participants/" in request.path for request in planned.sent) == 0
    taken = list(planned.plan.participants())
    assert [line["participant"]["sid"] for line in taken] == [row["participant_sid"] for row in rows]
    assert taken[0]["notification_level"] == rows[0]["notification_level"]


async def test_identities_that_bend_a_path_are_found_by_listing(desk: SimulatedApi, tmp_path: Path) -> None:
    odd = [user for user in desk.service.users() if set("/?#%") & set(user.identity) and rows_of(desk, user.sid)]
    lines = [
        {
            "user": user.identity,
            "conversation": rows_of(desk, user.sid)[0]["conversation_sid"],
            "notification_level": level,
        }
        for user in odd
        for level in ("muted", "default")
    ]

    planned = await make_plan(desk, csv_of(*lines[::2]), tmp_path)

    assert len(odd) >= 2
    assert [row.user_sid for row in planned.rows] == [user.sid for user in odd]
    assert not [request.path for request in planned.sent if "%" in request.path]


async def test_an_odd_identity_that_nobody_has_is_not_found(desk: SimulatedApi, tmp_path: Path) -> None:
    line = {"user": "../../Users", "conversation": "CH" + "0" * 32, "notification_level": "muted"}

    planned = await make_plan(desk, csv_of(line), tmp_path)

    assert planned.reasons == ["USER_NOT_FOUND"]
    assert all(".." not in request.target for request in planned.sent)


async def test_an_odd_unique_name_is_looked_for_in_the_list(desk: SimulatedApi, tmp_path: Path) -> None:
    row = next(
        row for user in users_with(desk, 1, 200) for row in rows_of(desk, user.sid) if "/" in (row["unique_name"] or "")
    )
    lines = [
        {"user": row["user_sid"], "conversation": name, "notification_level": "muted"}
        for name in (row["unique_name"], "no/such")
    ]

    planned = await make_plan(desk, csv_of(*lines), tmp_path)

    assert planned.rows[0].conversation_sid == row["conversation_sid"]
    assert planned.reasons[1] == "NOT_A_MEMBER"


async def test_one_membership_by_different_words_is_found_out(desk: SimulatedApi, tmp_path: Path) -> None:
    user, rows = next(
        (user, open_rows)
        for user in users_with(desk, 3, 49)
        if user.identity.startswith("user")
        and len(open_rows := [row for row in rows_of(desk, user.sid) if row["conversation_state"] != "closed"]) > 2
    )
    first, second, third = rows[:3]
    level = {"default": "muted", "muted": "default"}
    lines = [
        update(first, notification_level=level[first["notification_level"]]),
        update(second, notification_level="muted"),
        update(first, notification_level=level[first["notification_level"]], user=user.identity),
        update(second, notification_level="default", user=user.identity),
        update(third, notification_level=level[third["notification_level"]]),
    ]

    planned = await make_plan(desk, csv_of(*lines), tmp_path)

    assert planned.dispositions == ["update", "conflict", "noop", "conflict", "update"]
    assert Counter(problem.code for problem in planned.problems) == {"W-DUP": 1, "W-CONFLICT": 2}


async def test_what_is_not_there_is_not_found(desk: SimulatedApi, tmp_path: Path) -> None:
    row = desk.membership()
    nobody, nowhere = "US" + "0" * 32, "CH" + "0" * 32
    lines = [
        {"user": nobody, "conversation": row["conversation_sid"], "notification_level": "muted"},
        {"user": "nobody", "conversation": row["conversation_sid"], "notification_level": "muted"},
        {"user": "nobody", "conversation": nowhere, "notification_level": "muted"},
        {"user": row["user_sid"], "conversation": nowhere, "notification_level": "muted"},
    ]

    planned = await make_plan(desk, csv_of(*lines), tmp_path)

    assert planned.dispositions == ["not_found"] * 4
    assert planned.reasons == ["NOT_A_MEMBER", "USER_NOT_FOUND", "USER_NOT_FOUND", "NOT_A_MEMBER"]
    assert planned.plan.manifest.guard_inputs.not_found == 4


async def test_what_cannot_be_read_stands_in_the_plan_and_stops_nothing_else(
    desk: SimulatedApi, tmp_path: Path
) -> None:
    users = users_with(desk, 2, 49)[:3]
    transport = DeskTransport(desk, failing={f"{users[0].sid}/Conversations": 503})
    lines = [update(row, notification_level="muted") for user in users for row in rows_of(desk, user.sid)[:2]]
    single = rows_of(desk, users_with(desk, 2, 49)[4].sid)[0]
    transport.failing[f"{single['user_sid']}/Conversations/{single['conversation_sid']}"] = 500

    planned = await make_plan(
        desk, csv_of(*lines, update(single, notification_level="muted")), tmp_path, transport=transport
    )

    assert planned.dispositions[:2] == ["read_error", "read_error"]
    assert "503" in (planned.rows[0].reason_detail or "")
    assert planned.dispositions[6] == "read_error"
    assert "read_error" not in planned.dispositions[2:6]


async def test_a_newest_message_or_participant_that_cannot_be_read_is_a_read_error(
    desk: SimulatedApi, tmp_path: Path
) -> None:
    row = desk.membership(horizon=True)
    transport = DeskTransport(desk, failing={"/Messages": 500, f"/Participants/{row['participant_sid']}": 404})
    lines = [update(row, last_read_message_index=row["last_read_message_index"] + 1)]

    newest = await make_plan(desk, csv_of(*lines), tmp_path, transport=transport)
    member = await make_plan(desk, csv_of(update(row, op="delete")), tmp_path, operation=None, transport=DeskTransport(
        desk, failing=transport.failing))  # fmt: skip

    assert newest.reasons == ["NEWEST_UNKNOWN"]
    assert member.reasons == ["PARTICIPANT_UNKNOWN"]
    assert "left meanwhile" in (member.rows[0].reason_detail or "")


async def test_members_whose_page_cannot_be_read_are_read_errors(desk: SimulatedApi, tmp_path: Path) -> None:
    by_conversation: dict[str, list[Any]] = {}
    for user in desk.service.users():
        for row in rows_of(desk, user.sid):
            by_conversation.setdefault(row["conversation_sid"], []).append(row)
    rows = next(
        rows for rows in by_conversation.values() if len(rows) > 1 and rows[0]["conversation_state"] != "closed"
    )
    transport = DeskTransport(desk, failing={f"{rows[0]['conversation_sid']}/Participants": 500})

    planned = await make_plan(
        desk, csv_of(*(update(row, op="delete") for row in rows[:2])), tmp_path, operation=None, transport=transport
    )

    assert planned.reasons == ["PARTICIPANT_UNKNOWN"] * 2


@pytest.mark.parametrize("ending", ["/Conversations", "/Messages", "/Participants", "CONVERSATION", "PARTICIPANT"])
async def test_credentials_that_may_not_read_stop_the_plan(ending: str, desk: SimulatedApi, tmp_path: Path) -> None:
    by_conversation: dict[str, list[Any]] = {}
    for user in desk.service.users():
        for row in rows_of(desk, user.sid):
            by_conversation.setdefault(row["conversation_sid"], []).append(row)
    rows = next(
        rows for rows in by_conversation.values()
        if len(rows) > 1
        and rows[0]["conversation_state"] != "closed"
        and rows[0]["last_read_message_index"] is not None
    )[:2]  # fmt: skip
    cells: dict[str, Any] = (
        {"op": "update", "last_read_message_index": "@latest"} if ending == "/Messages" else {"op": "delete"}
    )
    if ending == "CONVERSATION":
        ending, cells = rows[0]["conversation_sid"], {"op": "update", "notification_level": "muted"}
    if ending == "PARTICIPANT":
        ending, rows = rows[0]["participant_sid"], rows[:1]
    transport = DeskTransport(desk, failing={ending: 403})

    with pytest.raises(Refused):
        await make_plan(
            desk, csv_of(*(update(row, **cells) for row in rows)), tmp_path, operation=None, transport=transport
        )
    assert not [path for path in (tmp_path / "plans").iterdir() if path.name.startswith("p-")]


async def test_a_removal_counts_what_its_user_has(desk: SimulatedApi, tmp_path: Path) -> None:
    loner, busy = users_with(desk, 1, 1)[0], users_with(desk, 60, 200)[0]
    rows = [rows_of(desk, loner.sid)[0], rows_of(desk, busy.sid)[0]]

    planned = await make_plan(
        desk, csv_of(*(update(row, op="delete") for row in rows)), tmp_path, operation=None, allow_closed=True
    )

    facts = planned.plan.manifest.guard_inputs
    assert (facts.deletes, facts.wiped_out_users) == (2, 1)
    assert facts.wiped_out_examples[0].user_sid == loner.sid
    assert sum(request.path.endswith(f"{busy.sid}/Conversations") for request in planned.sent) == 1


async def test_every_line_of_the_file_is_a_row_of_the_plan(desk: SimulatedApi, tmp_path: Path) -> None:
    row = desk.membership()
    text = csv_of(
        update(row, notification_level="muted"),
        update(row, notification_level="loud"),
        {"user": "..", "conversation": "x", "notification_level": "muted"},
        update(row, notification_level="muted"),
    )

    planned = await make_plan(desk, text, tmp_path)

    assert [row.input_line for row in planned.rows] == [2, 3, 4, 5]
    assert planned.reasons[1:] == ["REJECTED", "REJECTED", "DUPLICATE"]
    assert [row.plan_row_id for row in planned.rows] == [0, 1, 2, 3]
    assert planned.rows[1].reason_detail == "E-LEVEL"


async def test_what_the_line_carries_arrives_in_the_row(desk: SimulatedApi, tmp_path: Path) -> None:
    row = desk.membership(horizon=True)
    cells = {
        "last_read_timestamp": "2026-11-01T01:00:00+01:00",
        "expect_last_read_message_index": row["last_read_message_index"],
        "row_key": "k1",
        "note": "because",
    }

    planned = await make_plan(desk, csv_of(update(row, **cells)), tmp_path, allow_rewind=True)

    found = planned.rows[0]
    assert (found.row_key, found.note) == ("k1", "because")
    assert found.set_timestamp.isoformat() == "2026-11-01T00:00:00+00:00"
    assert found.user_expect_json == f'{{"last_read_message_index": {row["last_read_message_index"]}}}'
    assert (found.fields_mask, found.pre_kind) == (2, "equals")


async def test_order_of_lines_changes_nothing_but_the_numbers_of_lines(desk: SimulatedApi, tmp_path: Path) -> None:
    lines = [
        update(row, last_read_message_index="@latest")
        for user in users_with(desk, 1, 20)[:20]
        for row in rows_of(desk, user.sid)
    ]

    def decided(planned: Any) -> Counter[Any]:
        return Counter((row.user_sid, row.conversation_sid, row.disposition, row.set_index) for row in planned.rows)

    there = await make_plan(desk, csv_of(*lines), tmp_path)
    back = await make_plan(desk, csv_of(*reversed(lines)), tmp_path)

    assert decided(there) == decided(back)
    assert there.plan.manifest.counts == back.plan.manifest.counts


async def test_a_plan_after_its_apply_is_empty(desk: SimulatedApi, tmp_path: Path) -> None:
    lines = [
        update(row, last_read_message_index="@latest", notification_level="muted")
        for user in users_with(desk, 1, 20)[:25]
        for row in rows_of(desk, user.sid)
    ]
    first = await make_plan(desk, csv_of(*lines), tmp_path, allow_first_set=True)
    changed = [row for row in first.rows if row.disposition == "update"]
    for row in changed:
        form = {"LastReadMessageIndex": row.set_index, "NotificationLevel": row.set_level}
        path = f"/v1/Users/{row.user_sid}/Conversations/{row.conversation_sid}"
        desk.ask("POST", path, **{name: str(value) for name, value in form.items() if value is not None})

    second = await make_plan(desk, csv_of(*lines), tmp_path, allow_first_set=True)

    assert len(changed) > 20
    assert second.plan.manifest.counts["update"] == 0


async def test_another_service_is_planned_in_its_own_paths(desk: SimulatedApi, tmp_path: Path) -> None:
    other = desk.world.services[1]
    user = next(user for user in other.users() if other.conversations_of(user.number))
    row = desk.rows(f"/v1/Services/{other.sid}/Users/{user.sid}/Conversations")[0]

    planned = await make_plan(desk, csv_of(update(row, notification_level="muted")), tmp_path, service=other.sid)

    assert planned.plan.manifest.service_sid == other.sid
    assert planned.rows[0].user_sid == user.sid


async def test_a_service_that_is_not_there_is_bad_input(desk: SimulatedApi) -> None:
    reader = Reader(DeskTransport(desk))

    with pytest.raises(BadInput, match="no service"):
        await find_target(reader, "IS" + "0" * 32, base_url="x", clock=FakeClock())


async def test_the_clock_of_the_server_is_compared(desk: SimulatedApi) -> None:
    clock = FakeClock()
    clock.advance(3600)

    located = await find_target(Reader(DeskTransport(desk)), None, base_url="x", clock=clock)

    assert located.server_offset == timedelta(hours=-1)
    assert located.server_now(clock).isoformat() == "2026-11-23T02:00:00+00:00"


async def test_an_account_without_a_default_service_has_to_name_one(desk: SimulatedApi) -> None:
    class Nameless(DeskTransport):
        async def send(self, request: Any) -> Any:
            answer = await super().send(request)
            return type(answer)(answer.status, {}, answer.body.replace(b'"IS', b'null,"x":"IS'))

    with pytest.raises(NotPermitted, match="no default"):
        await find_target(Reader(Nameless(desk)), None, base_url="x", clock=FakeClock())


@pytest.mark.parametrize("user", ["alice", "a/b"])
async def test_a_plan_that_is_stopped_leaves_nothing(user: str, desk: SimulatedApi, tmp_path: Path) -> None:
    line = {"user": user, "conversation": "CH" + "0" * 32, "notification_level": "muted"}
    stop = StopSwitch()
    stop.request_stop(StopReason("stopped by SIGTERM", ExitCode.TERMINATED))

    with pytest.raises(Stopped) as stopped:
        await make_plan(desk, csv_of(line), tmp_path, stop=stop)

    assert stopped.value.exit_code == ExitCode.TERMINATED
    assert list((tmp_path / "plans").iterdir()) == []


async def test_a_participant_that_cannot_be_read_and_a_timestamp_that_nobody_understands(
    desk: SimulatedApi, tmp_path: Path
) -> None:
    class Muddled(DeskTransport):
        async def send(self, request: Any) -> Any:
            answer = await super().send(request)
            return type(answer)(
                answer.status,
                {},
                re.sub(rb'"last_read_timestamp":\s*"[^"]*"', b'"last_read_timestamp":"noon"', answer.body),
            )

    row = desk.membership(horizon=True)
    line = csv_of(update(row, last_read_timestamp="2026-11-01T00:00:00Z"))
    refusing = DeskTransport(desk, failing={f"/Participants/{row['participant_sid']}": 400})

    broken = await make_plan(desk, line, tmp_path, transport=refusing)
    muddled = await make_plan(desk, line, tmp_path, transport=Muddled(desk))

    assert broken.reasons == muddled.reasons == ["PARTICIPANT_UNKNOWN"]
    assert "noon" in (muddled.rows[0].reason_detail or "")


async def test_hundreds_of_users_are_kept_in_batches(desk: SimulatedApi, tmp_path: Path) -> None:
    lines = [{"user": f"nobody-{number}", "conversation": "x", "notification_level": "muted"} for number in range(401)]

    planned = await make_plan(desk, csv_of(*lines), tmp_path)

    assert planned.dispositions == ["not_found"] * 401
