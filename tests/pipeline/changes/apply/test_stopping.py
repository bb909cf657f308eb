import asyncio

import pytest

from readstate.errors import ExitCode, Unanswered
from readstate.events import WritesHeld
from readstate.model.outcome import Outcome
from readstate.stop import StopReason
from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response
from tests.helpers.apply_bench import Bench, Listener, WorldTransport, looking, writes
from tests.helpers.apply_plans import muting, plan_of, unmuted


class TestStopping:
    async def test_a_stop_lets_rows_under_way_end_and_begins_no_other(self, bench: Bench) -> None:
        plan = await plan_of(bench, *muting(unmuted(bench, 30)))

        def stop(transport: WorldTransport, request: Request) -> None:
            if len(transport.writes) == 7:
                bench.stop.request_stop(StopReason("stopped by SIGTERM", ExitCode.TERMINATED))

        applied = await bench.apply(plan, writes(stop))

        assert applied.result.exit_code == ExitCode.TERMINATED
        assert applied.counts[Outcome.APPLIED] + applied.counts[Outcome.CANCELLED] == 30
        assert applied.counts[Outcome.APPLIED] == len(applied.transport.writes) < 20
        resumed = await bench.resume(plan)
        assert resumed.counts == {Outcome.APPLIED: 30}
        assert len(applied.transport.writes) + len(resumed.transport.writes) == 30

    async def test_a_row_in_doubt_when_the_run_stops_is_unknown_and_read_back_by_resume(self, bench: Bench) -> None:
        plan = await plan_of(bench, *muting(unmuted(bench, 1)))

        def stop(transport: WorldTransport, request: Request) -> Response:
            bench.stop.request_stop(StopReason("stopped by SIGINT", ExitCode.INTERRUPTED))
            raise Unanswered("reset")

        applied = await bench.apply(plan, writes(stop))
        assert applied.counts == {Outcome.UNKNOWN: 1}

        resumed = await bench.resume(plan)

        assert [request.method for request in resumed.transport.sent][:2] == ["GET", "GET"]
        assert resumed.counts == {Outcome.APPLIED: 1}

    async def test_a_stop_file_ends_the_run_and_a_pause_file_holds_it_which_the_audit_tells(self, bench: Bench) -> None:
        plan = await plan_of(bench, *muting(unmuted(bench, 30)))
        folder = bench.folder / "r-1"

        def touch(transport: WorldTransport, request: Request) -> None:
            if len(transport.writes) == 3:
                (folder / "PAUSE").touch()
                bench.clock.advance(1)  # type: ignore[attr-defined]
            if len(transport.writes) == 20:
                (folder / "STOP").touch()
                bench.clock.advance(1)  # type: ignore[attr-defined]

        def observe(event: object) -> None:
            if isinstance(event, WritesHeld):
                (folder / "PAUSE").unlink()

        bench.events = Listener(observe)
        applied = await bench.apply(plan, writes(touch))

        assert applied.result.exit_code == ExitCode.STOPPED_EARLY
        assert "STOP is there" in applied.result.stopped.text  # type: ignore[union-attr]
        with looking(applied.directory) as journal:
            held, went_on = (event for event in journal.events() if event["kind"] in {"held", "went_on"})
        assert (held["kind"], went_on["kind"]) == ("held", "went_on")
        assert "PAUSE is there" in held["reason"]

    async def test_a_full_disk_stops_before_anything_is_sent(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plan = await plan_of(bench, *muting(unmuted(bench, 3)))
        monkeypatch.setattr("readstate.changes.runs.directory.RunDirectory.free_bytes", lambda _: 1_000)

        applied = await bench.apply(plan)

        assert applied.result.exit_code == ExitCode.LOCAL_DISK
        assert applied.transport.sent == []

    async def test_an_intent_that_cannot_be_kept_is_never_sent(self, bench: Bench) -> None:
        plan = await plan_of(bench, *muting(unmuted(bench, 500)))
        transport = WorldTransport(bench.simulated)
        directory, journal = bench.begin(plan)
        (pages,) = journal._connection.execute("PRAGMA page_count").fetchone()
        journal._connection.execute(f"PRAGMA max_page_count = {pages}")

        ending = await bench.go(plan, directory, journal, transport)

        intents = {record.plan_row_id for record in journal.records()}
        assert ending.exit_code == ExitCode.LOCAL_DISK
        assert 0 < len(transport.writes) <= len(intents) < 400


async def test_rows_under_way_have_the_grace_and_no_longer_once_the_run_is_stopped(bench: Bench) -> None:
    plan = await plan_of(bench, *muting(unmuted(bench, 3)))

    class Deaf(WorldTransport):
        async def send(self, request: Request) -> Response:
            if request.method == "GET":
                return await super().send(request)
            bench.stop.request_stop(StopReason("stopped by SIGTERM", ExitCode.TERMINATED))
            return await asyncio.get_running_loop().create_future()

    applied = await bench.apply(plan, transport=Deaf(bench.simulated), grace_seconds=0.01)

    assert applied.result.exit_code == ExitCode.TERMINATED
    assert applied.counts[Outcome.UNKNOWN] >= 1
    resumed = await bench.resume(plan)
    assert resumed.counts == {Outcome.APPLIED: 3}
