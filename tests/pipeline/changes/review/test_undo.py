from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.changes.current_state.plan_rows import Observation
from readstate.changes.current_state.target import TargetInfo
from readstate.changes.plans.reader import Plan
from readstate.changes.plans.writer import PlanWriter
from readstate.changes.review.undo import plan_undo, undo_row
from readstate.changes.review.verify import verify
from readstate.changes.rules.preconditions import Ready, RowState, check_precondition
from readstate.changes.runs.journal import Journal
from readstate.changes.runs.row_record import RowRecord, micros
from readstate.errors import ExitCode
from readstate.model.change import Reason
from readstate.model.membership import Absent, Current, Unreadable
from readstate.model.outcome import Outcome
from readstate.twilio.read_context import ReadContext
from tests.helpers.apply_bench import Bench, WorldTransport, looking, status
from tests.helpers.apply_plans import advancing, behind, leave, move, plan_of
from tests.helpers.planning import SimulatedTransport, read_context
from tests.helpers.plans import NOW, equals_row, plan_row, present, provenance, removal_row


def written(**changes: Any) -> RowRecord:
    return RowRecord(**({"plan_row_id": 1, "state": Outcome.APPLIED, "attempts": 1} | changes))


def undone(row: Any, record: RowRecord, current: Current, *, first_set_to: int | None = None) -> Any:
    return undo_row(row, record, Observation(current, NOW, 0.0, 0.0), first_set_to=first_set_to)


class TestUndoRow:
    @given(before=st.none() | st.integers(0, 20), ours=st.integers(0, 20), now=st.none() | st.integers(0, 20))
    def test_only_what_is_still_ours_is_restored_and_to_nothing_but_what_was_before(
        self, before: int | None, ours: int, now: int | None
    ) -> None:
        back = undone(plan_row(1), written(sent_index=ours, before_index=before), present(now))

        if back.disposition == "update":
            assert now == ours
            assert (back.set_index, back.pre_index, back.pre_kind) == (before, ours, "equals")
            assert check_precondition(back, present(now)) == check_precondition(back, present(ours))
            assert check_precondition(back, present(ours)) == Ready()
            assert check_precondition(back, present(ours + 1)) != Ready()
        else:
            assert now == before or now != ours or before is None

    def test_what_another_client_changed_since_is_skipped_and_listed(self) -> None:
        back = undone(plan_row(1), written(sent_index=8, before_index=3), present(9))

        assert (back.disposition, back.reason_code) == ("blocked", "CHANGED_SINCE")
        assert back.reason_detail == "last_read_message_index is 9, and the run had set 8"

    def test_a_horizon_that_was_never_set_stays_or_becomes_what_was_asked_for(self) -> None:
        record = written(sent_index=8, before_index=None)

        assert undone(plan_row(1), record, present(8)).reason_code == "NO_UNDO"
        back = undone(plan_row(1), record, present(8), first_set_to=0)
        assert (back.disposition, back.set_index, back.direction) == ("update", 0, "rewind")

    def test_what_can_be_restored_is_and_what_cannot_is_told(self) -> None:
        record = written(sent_index=8, before_index=None, sent_level="muted", before_level="default")

        back = undone(equals_row(), record, present(8, "muted"))

        assert (back.disposition, back.set_index, back.set_level, back.fields_mask) == ("update", None, "default", 4)
        assert back.undo_note == "last_read_message_index cannot be cleared again and stays"

    def test_a_timestamp_goes_back_where_it_was_known(self) -> None:
        later = NOW + timedelta(days=1)
        record = written(sent_timestamp=micros(later), before_timestamp=micros(NOW))

        back = undone(equals_row(fields_mask=2), record, present(last_read_timestamp=later))

        assert (back.set_timestamp, back.before_timestamp, back.fields_mask) == (NOW, later, 2)
        assert undone(equals_row(fields_mask=2), record, present()).reason_code == "CHANGED_SINCE"

    @pytest.mark.parametrize(
        ("row", "current", "disposition"),
        [
            (removal_row(1), Absent(Reason.NOT_A_MEMBER), "blocked"),
            (plan_row(1), Absent(Reason.NOT_A_MEMBER), "not_found"),
            (plan_row(1), Unreadable("500"), "read_error"),
            (plan_row(1), present(8, participant_sid="MB" + "0" * 32), "blocked"),
            (plan_row(1), present(3), "noop"),
        ],
    )
    def test_what_is_not_there_cannot_be_restored(self, row: Any, current: Current, disposition: str) -> None:
        assert undone(row, written(sent_index=8, before_index=3), current).disposition == disposition


def reading(bench: Bench, plan: Plan, transport: Any = None) -> ReadContext:
    return read_context(
        transport or SimulatedTransport(bench.simulated), plan.manifest.service_sid, clock=bench.clock, stop=bench.stop
    )


async def undo_of(bench: Bench, plan: Plan, journal: Journal) -> Plan:
    target = plan.manifest.target
    with PlanWriter(bench.folder / "undo") as writer:
        return await plan_undo(
            plan, journal, writer, reading(bench, plan), located=TargetInfo(target, timedelta(), requests=2),
            provenance=provenance(via="undo", name="undo"),
            writes_per_second=30.0,
        )  # fmt: skip


async def test_a_run_that_is_undone_leaves_the_world_as_it_was_but_for_what_others_did(bench: Bench) -> None:
    rows = behind(bench, 12)
    plan = await plan_of(bench, *advancing(rows))
    applied = await bench.apply(plan)
    move(bench, rows[3], LastReadMessageIndex=str(rows[3]["last_read_message_index"] + 2))

    with looking(applied.directory) as journal:
        undo = await undo_of(bench, plan, journal)
    assert undo.manifest.counts["update"] == 11
    assert undo.manifest.reasons == {"CHANGED_SINCE": 1}
    again = Bench(bench.simulated, bench.folder / "again")
    again.folder.mkdir()
    back = await again.apply(undo)

    assert back.counts == {Outcome.APPLIED: 11}
    now = {row["conversation_sid"] + row["user_sid"]: row for row in behind(bench, 10_000)}
    for number, row in enumerate(rows):
        found = now[row["conversation_sid"] + row["user_sid"]]["last_read_message_index"]
        assert found == row["last_read_message_index"] + (2 if number == 3 else 0)


class TestVerify:
    async def test_it_tells_where_each_row_stands_and_the_worst_decides(self, bench: Bench) -> None:
        rows = behind(bench, 5)
        plan = await plan_of(bench, *advancing(rows))
        applied = await bench.apply(plan)
        with looking(applied.directory) as journal:
            assert (await verify(plan, journal, reading(bench, plan), share=1.0)).exit_code == ExitCode.DONE
            move(bench, rows[0], LastReadMessageIndex=str(rows[0]["last_read_message_index"] + 2))
            read_on = await verify(plan, journal, reading(bench, plan), share=1.0)
            leave(bench, rows[1])
            left = await verify(plan, journal, reading(bench, plan), share=1.0)
            move(bench, rows[2], LastReadMessageIndex="0")
            back = await verify(plan, journal, reading(bench, plan), share=1.0)
            blind = await verify(
                plan, journal, reading(bench, plan, WorldTransport(bench.simulated, status(500))), share=1.0
            )

        assert read_on.counts == {RowState.AT_TARGET: 4, RowState.BEYOND: 1}
        assert (read_on.exit_code, read_on.differences) == (ExitCode.DONE, [])
        assert left.exit_code == ExitCode.SOME_DRIFTED
        assert [where for _, where in left.differences] == [RowState.GONE]
        assert back.exit_code == ExitCode.SOME_FAILED
        assert blind.exit_code == ExitCode.SOME_UNKNOWN
