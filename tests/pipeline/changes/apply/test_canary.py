from collections import Counter

import pytest

from readstate.errors import ExitCode
from readstate.events import StageBegan
from readstate.model.outcome import Outcome
from readstate.model.quantities import Allowance
from readstate.twilio.http.request import Request
from tests.helpers.apply_bench import Bench, Killed, WorldTransport, line, looking, status, writes
from tests.helpers.apply_plans import muting, plan_of, unmuted


async def test_the_canary_goes_first_and_everything_in_it_is_read_back(bench: Bench) -> None:
    plan = await plan_of(bench, *muting(unmuted(bench, 30)))

    applied = await bench.apply(plan, canary=5, verify_share=0.000001)

    stages = [(event.stage, event.rows) for event in bench.events if isinstance(event, StageBegan)]
    assert stages == [("canary", 5), ("ramp", 5), ("rest", 30)]
    by = Counter(record.outcome_by for record in applied.records().values())
    assert by["readback"] >= 10
    assert by["response"] >= 18


async def test_one_bad_canary_stops_everything(bench: Bench) -> None:
    plan = await plan_of(bench, *muting(unmuted(bench, 30)))

    applied = await bench.apply(plan, writes(status(400, 1), only=lambda number: number == 2), canary=5)

    assert len(applied.transport.writes) == 5
    assert applied.counts == {Outcome.APPLIED: 4, Outcome.REJECTED: 1, Outcome.CANCELLED: 25}
    assert applied.result.exit_code == ExitCode.STOPPED_EARLY
    assert "of the first 5 rows failed" in applied.result.stopped.text  # type: ignore[union-attr]


async def test_a_canary_that_has_passed_is_not_flown_again(bench: Bench) -> None:
    plan = await plan_of(bench, *muting(unmuted(bench, 30)))
    await bench.apply(plan, writes(status(400, 1), only=lambda number: number > 11), canary=5, max_errors=Allowance())
    bench.events.clear()

    await bench.resume(plan, canary=5)

    assert [event.stage for event in bench.events if isinstance(event, StageBegan)] == ["rest"]


class TestCanaryPause:
    async def test_nothing_follows_the_canary_before_consent(self, bench: Bench) -> None:
        plan = await plan_of(bench, *muting(unmuted(bench, 12)))

        applied = await bench.apply(plan, canary=4, canary_pause=True)

        assert applied.counts == {Outcome.APPLIED: 4, Outcome.CANCELLED: 8}
        assert applied.result.exit_code == ExitCode.CONSENT_MISSING
        assert applied.result.resumable
        assert bench.questions == ["The first 4 of 12 updates are done and were read back."]

    async def test_going_on_is_the_consent_and_each_operation_has_its_own_canary(self, bench: Bench) -> None:
        rows = unmuted(bench, 20)
        plan = await plan_of(bench, *[line(row, op="delete") for row in rows[:8]], *muting(rows[8:]))

        first = await bench.apply(plan, canary=4, canary_pause=True)
        second = await bench.resume(plan, canary=4, canary_pause=True)
        third = await bench.resume(plan, canary=4, canary_pause=True)

        assert first.counts == {Outcome.APPLIED: 4, Outcome.CANCELLED: 16}
        assert second.counts == {Outcome.APPLIED: 16, Outcome.CANCELLED: 4}
        assert second.result.exit_code == ExitCode.CONSENT_MISSING
        assert third.counts == {Outcome.APPLIED: 20}
        assert bench.questions[1] == "The first 4 of 8 removals are done and were read back."

    async def test_rows_that_were_only_read_back_are_none_of_those_left(self, bench: Bench) -> None:
        one_of_each = {row["user_sid"]: row for row in unmuted(bench, 100)}
        plan = await plan_of(bench, *muting(list(one_of_each.values())[:5]))

        def die(transport: WorldTransport, request: Request) -> None:
            transport.ask(request)
            raise Killed

        with pytest.raises(Killed):
            await bench.apply(plan, writes(die), canary=4, canary_pause=True, max_parallel_rows=1)
        resumed = await bench.resume(plan, canary=4, canary_pause=True)

        assert resumed.counts == {Outcome.APPLIED: 5}
        assert len(resumed.transport.writes) == 4
        assert bench.questions == []

    async def test_a_person_who_agrees_is_written_down_and_the_run_goes_on(self, bench: Bench) -> None:
        bench.agrees = True
        plan = await plan_of(bench, *muting(unmuted(bench, 12)))

        applied = await bench.apply(plan, canary=4, canary_pause=True)

        assert applied.counts == {Outcome.APPLIED: 12}
        with looking(applied.directory) as journal:
            agreed = [event for event in journal.events() if event["kind"] == "agreed"]
        assert [(event["operation"], event["left"]) for event in agreed] == [("update", 8)]

    async def test_there_is_no_question_where_no_row_is_left_or_the_canary_failed(self, bench: Bench) -> None:
        rows = unmuted(bench, 12)
        whole = await plan_of(bench, *muting(rows[:4]))
        applied = await bench.apply(whole, canary=4, canary_pause=True)
        assert applied.counts == {Outcome.APPLIED: 4}

        bench.folder.joinpath("r-1").rename(bench.folder / "r-0")
        failing = await plan_of(bench, *muting(rows[4:]))
        applied = await bench.apply(failing, writes(status(400, 50210)), canary=4, canary_pause=True)
        assert applied.result.exit_code == ExitCode.STOPPED_EARLY
        assert bench.questions == []
