from pathlib import Path
from typing import Any

import pytest

from readstate.errors import BadInput, ExitCode, Refused, Stopped
from readstate.stop import StopReason, StopSwitch
from tests.helpers.planning import SimulatedTransport, csv_of, make_plan, update
from tests.helpers.simulated_api import SimulatedApi


def shared_rows(simulated: SimulatedApi, count: int) -> list[Any]:
    """Return *count* rows of one open conversation, each with a horizon."""
    by_conversation: dict[str, list[Any]] = {}
    for user in simulated.service.users():
        for row in simulated.rows_of(user.sid):
            if row["conversation_state"] != "closed" and row["last_read_message_index"] is not None:
                by_conversation.setdefault(row["conversation_sid"], []).append(row)
    return next(rows[:count] for rows in by_conversation.values() if len(rows) >= count)


async def test_one_row_of_a_user_is_one_request(simulated: SimulatedApi, tmp_path: Path) -> None:
    row = simulated.membership()

    planned = await make_plan(simulated, csv_of(update(row, notification_level="muted")), tmp_path)

    assert planned.dispositions == ["update"]
    assert planned.rows[0].set_level == "muted"
    assert len(planned.sent) == 3  # two of them to find the service


async def test_reads_stay_near_the_cheapest_possible(simulated: SimulatedApi, tmp_path: Path) -> None:
    lines, cheapest = [], 0
    for number, user in enumerate(simulated.users_with(1, 200)):
        rows = simulated.rows_of(user.sid)
        wanted = rows[:: 1 + number % 9]
        lines += [update(row, notification_level="muted") for row in wanted]
        cheapest += min(len(wanted), -(-len(rows) // 50))

    planned = await make_plan(simulated, csv_of(*lines), tmp_path)

    assert not {"not_found", "read_error"} & set(planned.dispositions)
    assert len(planned.sent) - 2 <= 1.02 * cheapest


async def test_the_newest_message_is_asked_for_once_per_conversation(simulated: SimulatedApi, tmp_path: Path) -> None:
    lines = [update(row, last_read_message_index="@latest") for row in shared_rows(simulated, 2)]

    planned = await make_plan(simulated, csv_of(*lines), tmp_path)

    assert sum(request.path.endswith("/Messages") for request in planned.sent) == 1


async def test_participants_are_read_for_timestamps_and_removals_only(simulated: SimulatedApi, tmp_path: Path) -> None:
    row = simulated.membership(horizon=True)
    for cells, expected in (
        ({"notification_level": "muted"}, 0),
        ({"last_read_timestamp": "2026-11-01T00:00:00Z"}, 1),
        ({"op": "delete"}, 1),
    ):
        planned = await make_plan(
            simulated, csv_of(update(row, **cells)), tmp_path, operation=None if "op" in cells else "update"
        )
        assert sum("/Participants/" in request.path for request in planned.sent) == expected


async def test_several_removals_of_a_conversation_share_a_page(simulated: SimulatedApi, tmp_path: Path) -> None:
    rows = shared_rows(simulated, 8)

    planned = await make_plan(simulated, csv_of(*(update(row, op="delete") for row in rows)), tmp_path, operation=None)

    assert planned.dispositions == ["delete"] * 8
    assert sum(request.path.endswith("/Participants") for request in planned.sent) == 1
    assert sum("/Participants/" in request.path for request in planned.sent) == 0
    taken = list(planned.plan.participants())
    assert [line["participant"]["sid"] for line in taken] == [row["participant_sid"] for row in rows]
    assert taken[0]["notification_level"] == rows[0]["notification_level"]


async def test_identities_that_bend_a_path_are_found_by_listing(simulated: SimulatedApi, tmp_path: Path) -> None:
    odd = [
        user for user in simulated.service.users() if set("/?#%") & set(user.identity) and simulated.rows_of(user.sid)
    ]
    lines = [
        {
            "user": user.identity,
            "conversation": simulated.rows_of(user.sid)[0]["conversation_sid"],
            "notification_level": "muted",
        }
        for user in odd
    ]
    missing = {"user": "../../Users", "conversation": "CH" + "0" * 32, "notification_level": "muted"}

    planned = await make_plan(simulated, csv_of(*lines, missing), tmp_path)

    assert len(odd) >= 2
    assert [row.user_sid for row in planned.rows] == [*(user.sid for user in odd), None]
    assert planned.reasons[-1] == "USER_NOT_FOUND"
    assert not [request.target for request in planned.sent if "%" in request.path or ".." in request.target]


async def test_an_odd_unique_name_is_looked_for_in_the_list(simulated: SimulatedApi, tmp_path: Path) -> None:
    row = next(
        row
        for user in simulated.users_with(1, 200)
        for row in simulated.rows_of(user.sid)
        if "/" in (row["unique_name"] or "")
    )
    lines = [
        {"user": row["user_sid"], "conversation": name, "notification_level": "muted"}
        for name in (row["unique_name"], "no/such")
    ]

    planned = await make_plan(simulated, csv_of(*lines), tmp_path)

    assert planned.rows[0].conversation_sid == row["conversation_sid"]
    assert planned.reasons[1] == "NOT_A_MEMBER"


async def test_what_is_not_there_is_not_found(simulated: SimulatedApi, tmp_path: Path) -> None:
    row = simulated.membership()
    nobody, nowhere = "US" + "0" * 32, "CH" + "0" * 32
    lines = [
        {"user": nobody, "conversation": row["conversation_sid"], "notification_level": "muted"},
        {"user": "nobody", "conversation": row["conversation_sid"], "notification_level": "muted"},
        {"user": "nobody", "conversation": nowhere, "notification_level": "muted"},
        {"user": row["user_sid"], "conversation": nowhere, "notification_level": "muted"},
    ]

    planned = await make_plan(simulated, csv_of(*lines), tmp_path)

    assert planned.dispositions == ["not_found"] * 4
    assert planned.reasons == ["NOT_A_MEMBER", "USER_NOT_FOUND", "USER_NOT_FOUND", "NOT_A_MEMBER"]
    assert planned.plan.manifest.guard_inputs.not_found == 4


async def test_what_cannot_be_read_stands_in_the_plan_and_stops_nothing_else(
    simulated: SimulatedApi, tmp_path: Path
) -> None:
    users = simulated.users_with(2, 49)[:3]
    transport = SimulatedTransport(simulated, failing={f"{users[0].sid}/Conversations": 503})
    lines = [update(row, notification_level="muted") for user in users for row in simulated.rows_of(user.sid)[:2]]
    single = simulated.rows_of(simulated.users_with(2, 49)[4].sid)[0]
    transport.failing[f"{single['user_sid']}/Conversations/{single['conversation_sid']}"] = 500

    planned = await make_plan(
        simulated, csv_of(*lines, update(single, notification_level="muted")), tmp_path, transport=transport
    )

    assert planned.dispositions[:2] == ["read_error", "read_error"]
    assert "503" in (planned.rows[0].reason_detail or "")
    assert planned.dispositions[6] == "read_error"
    assert "read_error" not in planned.dispositions[2:6]


async def test_a_newest_message_or_participant_that_cannot_be_read_is_a_read_error(
    simulated: SimulatedApi, tmp_path: Path
) -> None:
    rows = shared_rows(simulated, 2)
    participant = rows[0]["participant_sid"]
    latest = {"op": "update", "last_read_message_index": "@latest"}
    for lines, cells, failing, expected in (
        (rows[:1], latest, {"/Messages": 500}, ("NEWEST_UNKNOWN", "500")),
        (rows[:1], {"op": "delete"}, {participant: 404}, ("PARTICIPANT_UNKNOWN", "left meanwhile")),
        (rows[:1], {"op": "delete"}, {participant: 400}, ("PARTICIPANT_UNKNOWN", "400")),
        (rows, {"op": "delete"}, {"/Participants": 500}, ("PARTICIPANT_UNKNOWN", "500")),
    ):
        transport = SimulatedTransport(simulated, failing=failing)  # type: ignore[arg-type]
        text = csv_of(*(update(row, **cells) for row in lines))
        planned = await make_plan(simulated, text, tmp_path, operation=None, transport=transport)
        assert planned.reasons == [expected[0]] * len(lines)
        assert expected[1] in planned.rows[0].reason_detail


@pytest.mark.parametrize("ending", ["/Conversations", "/Messages", "/Participants", "CONVERSATION", "PARTICIPANT"])
async def test_credentials_that_may_not_read_stop_the_plan(
    ending: str, simulated: SimulatedApi, tmp_path: Path
) -> None:
    rows = shared_rows(simulated, 2)
    cells: dict[str, Any] = (
        {"op": "update", "last_read_message_index": "@latest"} if ending == "/Messages" else {"op": "delete"}
    )
    if ending == "CONVERSATION":
        ending, cells = rows[0]["conversation_sid"], {"op": "update", "notification_level": "muted"}
    if ending == "PARTICIPANT":
        ending, rows = rows[0]["participant_sid"], rows[:1]
    transport = SimulatedTransport(simulated, failing={ending: 403})

    with pytest.raises(Refused):
        await make_plan(
            simulated, csv_of(*(update(row, **cells) for row in rows)), tmp_path, operation=None, transport=transport
        )
    assert not [path for path in (tmp_path / "plans").iterdir() if path.name.startswith("p-")]


@pytest.mark.parametrize("user", ["alice", "a/b"])
async def test_a_plan_that_is_stopped_leaves_nothing(user: str, simulated: SimulatedApi, tmp_path: Path) -> None:
    line = {"user": user, "conversation": "CH" + "0" * 32, "notification_level": "muted"}
    stop = StopSwitch()
    stop.request_stop(StopReason("stopped by SIGTERM", ExitCode.TERMINATED))

    with pytest.raises(Stopped) as stopped:
        await make_plan(simulated, csv_of(line), tmp_path, stop=stop)

    assert stopped.value.exit_code == ExitCode.TERMINATED
    assert list((tmp_path / "plans").iterdir()) == []


async def test_too_many_identities_to_search_for_are_refused(
    simulated: SimulatedApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("readstate.changes.planning.gather.MOST_LISTED", 2)
    row = simulated.rows_of(simulated.users_with(1, 9)[0].sid)[0]
    lines = [update(row, user=f"a/{number}", notification_level="muted") for number in range(3)]

    with pytest.raises(BadInput, match="more than 2 identities are unsafe") as refused:
        await make_plan(simulated, csv_of(*lines), tmp_path)
    assert refused.value.hint == "Name those users by SID."
