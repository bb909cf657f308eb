from collections import Counter

from readstate.errors import ExitCode
from readstate.events import RowSettled
from readstate.model.outcome import Outcome
from readstate.model.quantities import Allowance
from tests.helpers.apply_bench import Bench, line, state_of, status, writes
from tests.helpers.apply_plans import leave, muting, plan_of, unmuted


async def test_every_row_gets_what_was_planned_and_is_told_once_and_only_the_fields_that_differ(bench: Bench) -> None:
    rows = unmuted(bench, 30)
    plan = await plan_of(bench, *muting(rows))

    applied = await bench.apply(plan)

    assert applied.counts == {Outcome.APPLIED: 30}
    assert applied.result.exit_code == ExitCode.DONE
    assert not applied.result.resumable
    assert Counter(request.path for request in applied.transport.writes).most_common(1)[0][1] == 1
    assert {request.form for request in applied.transport.writes} == {(("NotificationLevel", "muted"),)}
    assert {level for _, level, _ in state_of(bench.simulated, rows).values()} == {"muted"}
    settled = [event.plan_row_id for event in bench.events if isinstance(event, RowSettled)]
    assert sorted(settled) == list(range(30))


async def test_removals_come_after_the_last_update(bench: Bench) -> None:
    rows = unmuted(bench, 20)
    plan = await plan_of(bench, *[line(row, op="delete") for row in rows[:8]], *muting(rows[8:]))

    applied = await bench.apply(plan)

    assert [request.method for request in applied.transport.writes] == ["POST"] * 12 + ["DELETE"] * 8
    assert all(state_of(bench.simulated, rows[:8])[key] is None for key in state_of(bench.simulated, rows[:8]))


async def test_no_removal_is_sent_where_the_updates_went_beyond_the_error_budget(bench: Bench) -> None:
    rows = unmuted(bench, 20)
    plan = await plan_of(bench, *[line(row, op="delete") for row in rows[:8]], *muting(rows[8:]))

    applied = await bench.apply(plan, writes(status(400, 50210)), canary=0, max_errors=Allowance(count=2))

    assert {request.method for request in applied.transport.writes} == {"POST"}
    assert applied.result.exit_code == ExitCode.STOPPED_EARLY
    assert applied.result.counts[Outcome.CANCELLED] >= 8
    assert applied.result.resumable


async def test_too_much_drift_makes_the_plan_stale_for_the_next_start_too(bench: Bench) -> None:
    rows = unmuted(bench, 30)
    plan = await plan_of(bench, *[line(row, op="delete") for row in rows])
    for row in rows:
        identity = next(user.identity for user in bench.simulated.service.users() if user.sid == row["user_sid"])
        leave(bench, row)
        bench.simulated.ask("POST", f"/v1/Conversations/{row['conversation_sid']}/Participants", Identity=identity)

    applied = await bench.apply(plan, max_drift=Allowance(count=4), max_parallel_rows=1)

    assert applied.result.exit_code == ExitCode.STOPPED_EARLY
    assert "the plan is stale" in applied.result.stopped.text  # type: ignore[union-attr]
    assert applied.transport.writes == []
    resumed = await bench.resume(plan, max_drift=Allowance(count=4), max_parallel_rows=1)
    assert resumed.result.exit_code == ExitCode.STOPPED_EARLY
    assert resumed.transport.sent == []
