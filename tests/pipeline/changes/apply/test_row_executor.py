import asyncio
from collections import Counter
from dataclasses import dataclass, field

from readstate.errors import ExitCode
from readstate.model.outcome import Outcome
from readstate.model.plan import Mode
from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response
from tests.helpers.apply_bench import Bench, WorldTransport, line
from tests.helpers.apply_plans import advancing, behind, leave, move, muting, plan_of, unmuted


async def test_a_horizon_that_moved_on_meanwhile_is_left_alone(bench: Bench) -> None:
    ahead, level, short = behind(bench, 3)
    plan = await plan_of(bench, *advancing([ahead, level, short]))
    move(bench, ahead, LastReadMessageIndex=str(ahead["last_read_message_index"] + 2))
    move(bench, level, LastReadMessageIndex=str(level["last_read_message_index"] + 1))

    applied = await bench.apply(plan)

    assert applied.counts == {Outcome.APPLIED: 1, Outcome.CONVERGED: 2}
    assert [applied.record(number).reason_code for number in (0, 1, 2)] == ["ALREADY_FURTHER", "SAME", None]
    assert len(applied.transport.writes) == 1


async def test_exact_rows_that_changed_meanwhile_are_drift_and_are_told(bench: Bench) -> None:
    rows = behind(bench, 2)
    plan = await plan_of(bench, *advancing(rows), mode=Mode.EXACT)
    move(bench, rows[0], LastReadMessageIndex=str(rows[0]["last_read_message_index"] + 2))

    applied = await bench.apply(plan)

    assert applied.counts == {Outcome.APPLIED: 1, Outcome.DRIFTED: 1}
    assert applied.result.exit_code == ExitCode.SOME_DRIFTED
    assert applied.record(0).observed_index == rows[0]["last_read_message_index"] + 2
    assert "last_read_message_index is" in (applied.record(0).reason_detail or "")


async def test_a_member_who_left_and_came_back_is_not_removed(bench: Bench) -> None:
    row, gone = unmuted(bench, 2)
    plan = await plan_of(bench, line(row, op="delete"), line(gone, op="delete"))
    identity = next(user.identity for user in bench.simulated.service.users() if user.sid == row["user_sid"])
    leave(bench, row)
    leave(bench, gone)
    added = bench.simulated.ask("POST", f"/v1/Conversations/{row['conversation_sid']}/Participants", Identity=identity)
    assert added.status == 201, added

    applied = await bench.apply(plan)

    assert applied.record(0).state == Outcome.DRIFTED
    assert applied.record(0).reason_code == "MEMBER_REPLACED"
    assert applied.record(1).state == Outcome.CONVERGED
    assert applied.transport.writes == []


async def test_a_timestamp_is_compared_by_the_participant_and_sent_in_utc(bench: Bench) -> None:
    row = behind(bench, 1)[0]
    plan = await plan_of(
        bench, line(row, op="update", last_read_timestamp="2026-11-22T23:30:00+05:00"), allow_rewind=True
    )

    applied = await bench.apply(plan, verify_share=1.0)

    assert applied.counts == {Outcome.APPLIED: 1}
    assert applied.transport.writes[0].form == (("LastReadTimestamp", "2026-11-22T18:30:00Z"),)


async def test_rows_of_one_user_are_read_together(bench: Bench) -> None:
    user, number = Counter(row["user_sid"] for row in unmuted(bench, 500)).most_common(1)[0]
    rows = [row for row in unmuted(bench, 500) if row["user_sid"] == user]
    plan = await plan_of(bench, *muting(rows))

    applied = await bench.apply(plan, canary=0, verify_share=0.0)

    assert number >= 20
    assert applied.counts == {Outcome.APPLIED: number}
    assert len(applied.transport.sent) - len(applied.transport.writes) <= 2 + number // 10


async def test_a_reading_that_is_too_old_is_taken_anew(bench: Bench) -> None:
    row = behind(bench, 1)[0]
    plan = await plan_of(bench, *advancing([row]))

    def slow(transport: WorldTransport, request: Request) -> None:
        if len(transport.sent) == 1:
            bench.clock.advance(60)  # type: ignore[attr-defined]

    applied = await bench.apply(plan, slow)

    assert applied.counts == {Outcome.APPLIED: 1}
    write = next(request for request in applied.transport.sent if request.method == "POST")
    assert write.leave_by is not None


@dataclass
class Crowd(WorldTransport):
    """Takes its time over each write, and remembers the most that one user, and one conversation, had at once."""

    under_way: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)

    async def send(self, request: Request) -> Response:
        if request.method == "GET":
            return await super().send(request)
        *_, user, _, conversation = request.path.split("/")
        self.under_way.update((user, conversation))
        self.most |= self.under_way
        for turn in range(10_000):
            if turn > 50 and max(self.most.values()) >= 4:
                break
            await asyncio.sleep(0)  # until others of the conversation have come: each waits for the disk first
        self.under_way.subtract((user, conversation))
        return await super().send(request)


async def test_few_writes_of_one_user_and_in_one_conversation_are_under_way_at_once(bench: Bench) -> None:
    rows = unmuted(bench, 1_000)
    crowded, members = Counter(row["conversation_sid"] for row in rows).most_common(1)[0]
    busy, conversations = Counter(row["user_sid"] for row in rows).most_common(1)[0]
    mine = [row for row in rows if row["conversation_sid"] == crowded or row["user_sid"] == busy]
    plan = await plan_of(bench, *muting(mine))
    crowd = Crowd(bench.simulated)

    applied = await bench.apply(plan, transport=crowd, canary=0, max_parallel_rows=50)

    assert applied.counts == {Outcome.APPLIED: len(mine)}
    assert min(members, conversations) > 6, "too few to crowd"
    assert max(number for sid, number in crowd.most.items() if sid.startswith("US")) == 2
    assert max(number for sid, number in crowd.most.items() if sid.startswith("CH")) == 4
