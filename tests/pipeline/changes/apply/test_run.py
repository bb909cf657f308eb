"""Applying plans to a simulated world: what is sent, what is left alone, what a crash leaves behind."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from readstate.changes.apply.row_executor import CarrierOptions
from readstate.changes.runs.result import ended, exit_code_of
from readstate.changes.runs.row_record import INTENT
from readstate.errors import ExitCode, NotSent, Unanswered
from readstate.events import ApplyBegan, RowFailed, RowSettled, StageBegan, WritesGoOn, WritesHeld
from readstate.model.outcome import Outcome
from readstate.model.plan import Mode
from readstate.model.quantities import Allowance
from readstate.simulator.seed.world_shape import WorldShape
from readstate.stop import StopReason
from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response
from tests.helpers.apply_bench import (
    Accident,
    Applied,
    Bench,
    Killed,
    WorldTransport,
    line,
    looking,
    lost_after_effect,
    lost_before_effect,
    rows_of,
    state_of,
    status,
    writes,
)
from tests.helpers.planning import NOW, csv_of, make_plan
from tests.helpers.simulated_api import SimulatedApi

SHAPE = WorldShape(users=60, services=2, heaviest=40)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(SimulatedApi(SHAPE, now=NOW, actions_per_second=0), tmp_path)


async def plan_of(bench: Bench, *lines: dict[str, Any], **options: Any) -> Any:
    planned = await make_plan(bench.desk, csv_of(*lines), bench.folder, operation=None, **options)
    return planned.plan


def muting(rows: list[Any]) -> list[dict[str, Any]]:
    return [line(row, op="update", notification_level="muted") for row in rows]


def unmuted(bench: Bench, count: int) -> list[Any]:
    return rows_of(bench.desk, having=lambda row: row["notification_level"] == "default")[:count]


def behind(bench: Bench, count: int) -> list[Any]:
    """Rows whose horizon can go further than it is, by more than one."""
    return rows_of(
        bench.desk,
        having=lambda row: row["last_read_message_index"] is not None and (row["unread_messages_count"] or 0) > 2,
    )[:count]


def move(bench: Bench, row: Any, **form: str) -> None:
    path = f"/v1/Users/{row['user_sid']}/Conversations/{row['conversation_sid']}"
    assert bench.desk.ask("POST", path, **form).status == 200


def leave(bench: Bench, row: Any) -> None:
    path = f"/v1/Users/{row['user_sid']}/Conversations/{row['conversation_sid']}"
    assert bench.desk.ask("DELETE", path).status == 204


async def test_every_row_gets_what_was_planned_once_and_only_the_fields_that_differ(bench: Bench) -> None:
    rows = unmuted(bench, 30)
    plan = await plan_of(bench, *muting(rows))

    applied = await bench.apply(plan)

    assert applied.counts == {Outcome.APPLIED: 30}
    assert applied.ending.exit_code == ExitCode.DONE
    assert not applied.ending.resumable
    assert Counter(request.path for request in applied.transport.writes).most_common(1)[0][1] == 1
    assert {request.form for request in applied.transport.writes} == {(("NotificationLevel", "muted"),)}
    assert {level for _, level, _ in state_of(bench.desk, rows).values()} == {"muted"}


async def test_removals_come_after_the_last_update(bench: Bench) -> None:
    rows = unmuted(bench, 20)
    plan = await plan_of(bench, *[line(row, op="delete") for row in rows[:8]], *muting(rows[8:]))

    applied = await bench.apply(plan)

    assert [request.method for request in applied.transport.writes] == ["POST"] * 12 + ["DELETE"] * 8
    assert all(state_of(bench.desk, rows[:8])[key] is None for key in state_of(bench.desk, rows[:8]))


async def test_no_removal_is_sent_where_the_updates_went_beyond_the_error_budget(bench: Bench) -> None:
    rows = unmuted(bench, 20)
    plan = await plan_of(bench, *[line(row, op="delete") for row in rows[:8]], *muting(rows[8:]))

    applied = await bench.apply(plan, writes(status(400, 50210)), canary=0, max_errors=Allowance(count=2))

    assert {request.method for request in applied.transport.writes} == {"POST"}
    assert applied.ending.exit_code == ExitCode.STOPPED_EARLY
    assert applied.ending.counts[Outcome.CANCELLED] >= 8
    assert applied.ending.resumable


async def test_a_horizon_that_moved_on_meanwhile_is_left_alone(bench: Bench) -> None:
    ahead, level, short = behind(bench, 3)
    plan = await plan_of(
        bench, *[line(row, op="update", last_read_message_index=row["last_read_message_index"] + 1)
                 for row in (ahead, level, short)]
    )  # fmt: skip
    move(bench, ahead, LastReadMessageIndex=str(ahead["last_read_message_index"] + 2))
    move(bench, level, LastReadMessageIndex=str(level["last_read_message_index"] + 1))

    applied = await bench.apply(plan)

    assert applied.counts == {Outcome.APPLIED: 1, Outcome.CONVERGED: 2}
    assert [applied.record(number).reason_code for number in (0, 1, 2)] == ["ALREADY_FURTHER", "SAME", None]
    assert len(applied.transport.writes) == 1


async def test_exact_rows_that_changed_meanwhile_are_drift_and_are_told(bench: Bench) -> None:
    rows = behind(bench, 2)
    plan = await plan_of(
        bench, *[line(row, op="update", last_read_message_index=row["last_read_message_index"] + 1) for row in rows],
        mode=Mode.EXACT,
    )  # fmt: skip
    move(bench, rows[0], LastReadMessageIndex=str(rows[0]["last_read_message_index"] + 2))

    applied = await bench.apply(plan)

    assert applied.counts == {Outcome.APPLIED: 1, Outcome.DRIFTED: 1}
    assert applied.ending.exit_code == ExitCode.SOME_DRIFTED
    assert applied.record(0).observed_index == rows[0]["last_read_message_index"] + 2
    assert "last_read_message_index is" in (applied.record(0).reason_detail or "")


async def test_a_member_who_left_and_came_back_is_not_removed(bench: Bench) -> None:
    row, gone = unmuted(bench, 2)
    plan = await plan_of(bench, line(row, op="delete"), line(gone, op="delete"))
    identity = next(user.identity for user in bench.desk.service.users() if user.sid == row["user_sid"])
    leave(bench, row)
    leave(bench, gone)
    added = bench.desk.ask("POST", f"/v1/Conversations/{row['conversation_sid']}/Participants", Identity=identity)
    assert added.status == 201, added

    applied = await bench.apply(plan)

    assert applied.record(0).state == Outcome.DRIFTED
    assert applied.record(0).reason_code == "MEMBER_REPLACED"
    assert applied.record(1).state == Outcome.CONVERGED
    assert applied.transport.writes == []


async def test_an_update_of_a_member_who_left_is_not_found(bench: Bench) -> None:
    rows = unmuted(bench, 3)
    plan = await plan_of(bench, *muting(rows))
    leave(bench, rows[0])

    applied = await bench.apply(plan)

    assert applied.counts == {Outcome.APPLIED: 2, Outcome.NOT_FOUND: 1}
    assert applied.ending.exit_code == ExitCode.SOME_FAILED


async def test_a_timestamp_is_compared_by_the_participant_and_sent_in_utc(bench: Bench) -> None:
    row = behind(bench, 1)[0]
    plan = await plan_of(
        bench, line(row, op="update", last_read_timestamp="2026-11-22T23:30:00+05:00"), allow_rewind=True
    )

    applied = await bench.apply(plan, verify_share=1.0)

    assert applied.counts == {Outcome.APPLIED: 1}
    assert applied.transport.writes[0].form == (("LastReadTimestamp", "2026-11-22T18:30:00Z"),)


class TestAmbiguity:
    async def test_a_write_that_was_lost_after_its_effect_is_found_applied_and_never_sent_again(
        self, bench: Bench
    ) -> None:
        plan = await plan_of(bench, *muting(unmuted(bench, 4)))

        applied = await bench.apply(plan, writes(lost_after_effect, only=lambda number: number == 1))

        assert applied.counts == {Outcome.APPLIED: 4}
        assert len(applied.transport.writes) == 4
        assert Counter(record.outcome_by for record in applied.records().values())["readback"] == 4  # all canaries
        assert sum(record.retries_ambiguous for record in applied.records().values()) == 1

    async def test_a_write_that_was_lost_before_its_effect_is_sent_again_after_the_last_reading(
        self, bench: Bench
    ) -> None:
        plan = await plan_of(bench, *muting(unmuted(bench, 1)))

        applied = await bench.apply(plan, writes(lost_before_effect, only=lambda number: number == 0))

        assert applied.counts == {Outcome.APPLIED: 1}
        methods = [request.method for request in applied.transport.sent]
        assert methods[:6] == ["GET", "POST", "GET", "GET", "GET", "POST"]
        assert applied.record().attempts == 2

    @pytest.mark.parametrize("number", [408, 500, 502, 503, 504])
    async def test_a_removal_in_doubt_is_read_back_and_not_sent_twice(self, bench: Bench, number: int) -> None:
        def lost(transport: WorldTransport, request: Request) -> Response:
            transport.ask(request)
            return Response(number, {}, b"<html>")

        row = unmuted(bench, 1)[0]
        plan = await plan_of(bench, line(row, op="delete"))

        applied = await bench.apply(plan, writes(lost))

        assert applied.counts == {Outcome.APPLIED: 1}
        assert len(applied.transport.writes) == 1
        assert applied.record().outcome_by == "readback"

    async def test_a_404_after_a_removal_in_doubt_means_that_it_happened(self, bench: Bench) -> None:
        row = unmuted(bench, 1)[0]
        plan = await plan_of(bench, line(row, op="delete"))
        late: list[Request] = []

        def lost(transport: WorldTransport, request: Request) -> Response | None:
            if not late:
                late.append(request)
                raise Unanswered("timeout")
            transport.ask(late[0])  # the first one arrives after all, just before the second
            return None

        applied = await bench.apply(plan, writes(lost), canary=0)

        assert applied.record().state == Outcome.APPLIED
        assert applied.record().outcome_by == "404_after_ambiguous"
        assert applied.record().attempts == 2

    async def test_somebody_elses_value_after_a_write_in_doubt_is_superseded(self, bench: Bench) -> None:
        row = behind(bench, 1)[0]
        plan = await plan_of(bench, line(row, op="update", last_read_message_index=row["last_read_message_index"] + 1))

        def lost(transport: WorldTransport, request: Request) -> Response:
            move(bench, row, LastReadMessageIndex=str(row["last_read_message_index"] + 2))
            raise Unanswered("reset")

        applied = await bench.apply(plan, writes(lost), canary=0)

        assert applied.counts == {Outcome.SUPERSEDED: 1}
        assert applied.ending.exit_code == ExitCode.SOME_DRIFTED

    async def test_what_cannot_be_read_back_stays_unknown_and_resume_settles_it(self, bench: Bench) -> None:
        plan = await plan_of(bench, *muting(unmuted(bench, 1)))

        def blind(transport: WorldTransport, request: Request) -> Response | None:
            if request.method == "POST":
                return lost_after_effect(transport, request)
            return Response(500, {}, b"{}") if transport.writes else None

        applied = await bench.apply(plan, blind)
        assert applied.counts == {Outcome.UNKNOWN: 1}
        assert applied.ending.exit_code == ExitCode.SOME_UNKNOWN

        resumed = await bench.resume(plan)

        assert resumed.counts == {Outcome.APPLIED: 1}
        assert resumed.transport.writes == []

    async def test_a_success_that_shows_another_value_is_read_back_and_is_a_mismatch(self, bench: Bench) -> None:
        plan = await plan_of(bench, *muting(unmuted(bench, 1)))

        applied = await bench.apply(plan, writes(lambda *_: Response(200, {}, b"{}")))

        assert applied.counts == {Outcome.MISMATCH: 1}
        assert len(applied.transport.writes) == 1
        assert applied.ending.exit_code == ExitCode.SOME_FAILED

    async def test_a_write_that_never_has_an_effect_is_given_up(self, bench: Bench) -> None:
        plan = await plan_of(bench, *muting(unmuted(bench, 1)))

        applied = await bench.apply(plan, writes(lost_before_effect), canary=0)

        assert applied.counts == {Outcome.REJECTED: 1}
        assert applied.record().reason_code == "NOT_APPLIED"

    async def test_too_many_unclear_answers_hold_all_writes_until_a_read_succeeds(self, bench: Bench) -> None:
        plan = await plan_of(bench, *muting(unmuted(bench, 20)))

        applied = await bench.apply(
            plan, writes(lost_after_effect, only=lambda number: number < 8), canary=0, parallel=4
        )

        assert applied.counts == {Outcome.APPLIED: 20}
        assert any(isinstance(event, WritesHeld) for event in bench.events)
        assert any(isinstance(event, WritesGoOn) for event in bench.events)
        assert any(request.path == "/v1/Configuration" for request in applied.transport.sent)


class TestClearRefusals:
    async def test_a_missing_connection_is_tried_again_after_a_new_reading(self, bench: Bench) -> None:
        def unreachable(transport: WorldTransport, request: Request) -> Response:
            raise NotSent("connection refused")

        plan = await plan_of(bench, *muting(unmuted(bench, 1)))

        applied = await bench.apply(plan, writes(unreachable, only=lambda number: number < 3))

        assert applied.counts == {Outcome.APPLIED: 1}
        assert applied.record().attempts == 1
        assert applied.record().retries_ambiguous == 0

    async def test_without_any_connection_a_row_fails_in_the_end(self, bench: Bench) -> None:
        def unreachable(transport: WorldTransport, request: Request) -> Response:
            raise NotSent("connection refused")

        plan = await plan_of(bench, *muting(unmuted(bench, 1)))

        applied = await bench.apply(plan, writes(unreachable), canary=0)

        assert applied.record().state == Outcome.REJECTED
        assert applied.record().reason_code == "NOT_SENT"

    async def test_conflicts_are_waited_out(self, bench: Bench) -> None:
        plan = await plan_of(bench, *muting(unmuted(bench, 1)))

        applied = await bench.apply(plan, writes(status(409, 50419), only=lambda number: number < 3))

        assert applied.counts == {Outcome.APPLIED: 1}
        assert applied.record().conflicts == 3

    async def test_a_refusal_is_kept_with_its_facts_and_resume_tries_once_more(self, bench: Bench) -> None:
        plan = await plan_of(bench, *muting(unmuted(bench, 1)))

        applied = await bench.apply(plan, writes(status(400, 50210)), canary=0)

        record = applied.record()
        assert (record.state, record.http_status, record.twilio_code) == (Outcome.REJECTED, 400, 50210)
        assert record.twilio_message == "no"
        assert [event.reason for event in bench.events if isinstance(event, RowFailed)] == ["no"]
        assert applied.ending.exit_code == ExitCode.SOME_FAILED
        assert (await bench.resume(plan)).counts == {Outcome.APPLIED: 1}

    @pytest.mark.parametrize(("number", "code"), [(401, 20003), (403, 70051)])
    async def test_a_key_that_may_not_write_stops_the_run_and_no_row_fails(
        self, bench: Bench, number: int, code: int
    ) -> None:
        plan = await plan_of(bench, *muting(unmuted(bench, 5)))

        applied = await bench.apply(plan, writes(status(number, code)))

        assert applied.ending.exit_code == ExitCode.NOT_PERMITTED
        assert not {Outcome.REJECTED, Outcome.APPLIED} & set(applied.counts)
        assert (await bench.resume(plan)).counts == {Outcome.APPLIED: 5}

    async def test_a_row_that_cannot_be_read_is_not_sent(self, bench: Bench) -> None:
        plan = await plan_of(bench, *muting(unmuted(bench, 1)))

        applied = await bench.apply(plan, lambda *_: Response(500, {}, b"{}"), canary=0)

        assert applied.record().state == Outcome.REJECTED
        assert applied.record().reason_code == "UNREADABLE"
        assert applied.transport.writes == []


class TestStages:
    async def test_the_canary_goes_first_and_everything_in_it_is_read_back(self, bench: Bench) -> None:
        plan = await plan_of(bench, *muting(unmuted(bench, 30)))

        applied = await bench.apply(plan, canary=5, verify_share=0.000001)

        stages = [(event.stage, event.rows) for event in bench.events if isinstance(event, StageBegan)]
        assert stages == [("canary", 5), ("ramp", 5), ("rest", 30)]
        by = Counter(record.outcome_by for record in applied.records().values())
        assert by["readback"] >= 10
        assert by["response"] >= 18

    async def test_one_bad_canary_stops_everything(self, bench: Bench) -> None:
        plan = await plan_of(bench, *muting(unmuted(bench, 30)))

        applied = await bench.apply(plan, writes(status(400, 1), only=lambda number: number == 2), canary=5)

        assert len(applied.transport.writes) == 5
        assert applied.counts == {Outcome.APPLIED: 4, Outcome.REJECTED: 1, Outcome.CANCELLED: 25}
        assert applied.ending.exit_code == ExitCode.STOPPED_EARLY
        assert "of the first 5 rows failed" in applied.ending.stopped.text  # type: ignore[union-attr]

    async def test_a_canary_that_has_passed_is_not_flown_again(self, bench: Bench) -> None:
        plan = await plan_of(bench, *muting(unmuted(bench, 30)))
        await bench.apply(
            plan, writes(status(400, 1), only=lambda number: number > 11), canary=5, max_errors=Allowance()
        )
        bench.events.clear()

        await bench.resume(plan, canary=5)

        assert [event.stage for event in bench.events if isinstance(event, StageBegan)] == ["rest"]

    async def test_too_much_drift_makes_the_plan_stale(self, bench: Bench) -> None:
        rows = unmuted(bench, 30)
        plan = await plan_of(bench, *[line(row, op="delete") for row in rows])
        for row in rows:
            identity = next(user.identity for user in bench.desk.service.users() if user.sid == row["user_sid"])
            leave(bench, row)
            bench.desk.ask("POST", f"/v1/Conversations/{row['conversation_sid']}/Participants", Identity=identity)

        applied = await bench.apply(plan, max_drift=Allowance(count=4), parallel=1)

        assert applied.ending.exit_code == ExitCode.STOPPED_EARLY
        assert "the plan is stale" in applied.ending.stopped.text  # type: ignore[union-attr]
        assert applied.transport.writes == []


class TestStopping:
    async def test_a_stop_lets_rows_under_way_end_and_begins_no_other(self, bench: Bench) -> None:
        plan = await plan_of(bench, *muting(unmuted(bench, 30)))

        def stop(transport: WorldTransport, request: Request) -> None:
            if len(transport.writes) == 7:
                bench.stop.request_stop(StopReason("stopped by SIGTERM", ExitCode.TERMINATED))

        applied = await bench.apply(plan, writes(stop))

        assert applied.ending.exit_code == ExitCode.TERMINATED
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

    async def test_a_stop_file_ends_the_run_and_a_pause_file_holds_it(self, bench: Bench) -> None:
        plan = await plan_of(bench, *muting(unmuted(bench, 30)))
        folder = bench.folder / "r-1"

        def touch(transport: WorldTransport, request: Request) -> None:
            if len(transport.writes) == 3:
                (folder / "PAUSE").touch()
                bench.clock.advance(1)  # type: ignore[attr-defined]
            if len(transport.writes) == 20:
                (folder / "STOP").touch()
                bench.clock.advance(1)  # type: ignore[attr-defined]

        def told(event: object) -> None:
            bench.events.append(event)
            if isinstance(event, WritesHeld):
                (folder / "PAUSE").unlink()

        bench.events = _Listening(told)  # type: ignore[assignment]
        applied = await bench.apply(plan, writes(touch))

        assert applied.ending.exit_code == ExitCode.STOPPED_EARLY
        assert "STOP is there" in applied.ending.stopped.text  # type: ignore[union-attr]
        assert any(isinstance(event, WritesHeld) for event in bench.events)

    async def test_a_full_disk_stops_before_anything_is_sent(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plan = await plan_of(bench, *muting(unmuted(bench, 3)))
        monkeypatch.setattr("readstate.changes.runs.directory.RunDirectory.free_bytes", lambda _: 1_000)

        applied = await bench.apply(plan)

        assert applied.ending.exit_code == ExitCode.LOCAL_DISK
        assert applied.transport.sent == []

    async def test_an_intent_that_cannot_be_kept_is_never_sent(self, bench: Bench) -> None:
        plan = await plan_of(bench, *muting(unmuted(bench, 500)))
        transport = WorldTransport(bench.desk)
        directory, journal = bench.begin(plan)
        (pages,) = journal._connection.execute("PRAGMA page_count").fetchone()
        journal._connection.execute(f"PRAGMA max_page_count = {pages}")

        ending = await bench.go(plan, directory, journal, transport)

        intents = {record.plan_row_id for record in journal.records()}
        assert ending.exit_code == ExitCode.LOCAL_DISK
        assert 0 < len(transport.writes) <= len(intents) < 400


class _Listening(list[Any]):
    def __init__(self, tell: Any) -> None:
        super().__init__()
        self.tell = tell
        self._inside = False

    def append(self, event: Any) -> None:
        if self._inside:
            super().append(event)
            return
        self._inside = True
        self.tell(event)
        self._inside = False


def doomed(kill_at: int, *, after_effect: bool) -> Accident:
    """Kill the process at its request number *kill_at*."""

    def happen(transport: WorldTransport, request: Request) -> Response | None:
        if len(transport.sent) == kill_at:
            if after_effect:
                transport.ask(request)
            raise Killed
        return None

    return happen


class TestCrashes:
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
    @given(
        kills=st.lists(st.tuples(st.integers(1, 45), st.booleans()), min_size=1, max_size=4), seed=st.integers(0, 9),
        loses=st.floats(0, 0.3),
    )  # fmt: skip
    async def test_whatever_prefix_of_a_journal_is_left_going_on_gives_the_state_of_one_clean_run(
        self, tmp_path_factory: pytest.TempPathFactory, kills: list[tuple[int, bool]], seed: int, loses: float
    ) -> None:
        bench = Bench(SimulatedApi(SHAPE, now=NOW, actions_per_second=0), tmp_path_factory.mktemp("crash"))
        rows = unmuted(bench, 18)
        lines = [line(row, op="delete") for row in rows[:6]] + muting(rows[6:])
        plan = await plan_of(bench, *lines)
        dice = random.Random(seed)
        before = len(bench.desk.world.log.effects)

        def troubled(then: Accident) -> Accident:
            def happen(transport: WorldTransport, request: Request) -> Response | None:
                if request.method != "GET" and dice.random() < loses:
                    return dice.choice([lost_after_effect, lost_before_effect])(transport, request)
                return then(transport, request)

            return happen

        transport = WorldTransport(bench.desk, troubled(doomed(kills[0][0], after_effect=kills[0][1])))
        directory, journal = bench.begin(plan)
        ending = await _until_killed(bench, plan, directory, journal, transport)
        for kill_at, after_effect in kills[1:]:
            if ending is not None:
                break
            ending = await _resumed(bench, plan, troubled(doomed(kill_at, after_effect=after_effect)))
        for _ in range(5):
            if ending is not None and not ending.resumable:
                break
            ending = await _resumed(bench, plan, lambda *_: None)

        assert ending is not None
        assert set(ending.counts) <= {Outcome.APPLIED, Outcome.CONVERGED}
        state = state_of(bench.desk, rows)
        assert [value is None for value in state.values()] == [True] * 6 + [False] * 12
        assert {value[1] for value in state.values() if value is not None} == {"muted"}
        effects = bench.desk.world.log.effects[before:]
        removed = Counter(effect.participant_sid for effect in effects if effect.kind == "participant.removed")
        assert max(removed.values()) == 1
        updated = Counter(effect.participant_sid for effect in effects if effect.kind == "participant.updated")
        assert max(updated.values()) == 1

    async def test_nothing_in_doubt_is_sent_again_before_it_was_read(self, bench: Bench) -> None:
        plan = await plan_of(bench, *muting(unmuted(bench, 6)))
        directory, journal = bench.begin(plan)
        transport = WorldTransport(bench.desk, doomed(4, after_effect=True))
        assert await _until_killed(bench, plan, directory, journal, transport) is None
        with looking(directory) as left:
            doubtful = {record.plan_row_id for record in left.records(INTENT)}

        resumed = await bench.resume(plan)

        began = next(event for event in bench.events if isinstance(event, ApplyBegan) and event.epoch == 2)
        assert began.rows_in_doubt == len(doubtful) > 0
        paths = [(request.method, request.path) for request in resumed.transport.sent]
        first_write = next(at for at, (method, _) in enumerate(paths) if method == "POST")
        for number in doubtful:
            row = next(row for row in plan.rows() if row.plan_row_id == number)
            assert any(row.conversation_sid in path for _, path in paths[:first_write])


async def _until_killed(bench: Bench, plan: Any, directory: Any, journal: Any, transport: WorldTransport) -> Any:
    """The ending of a start, or None where it was killed: then nothing more reaches the disk."""
    try:
        ending = await bench.go(plan, directory, journal, transport)
    except Killed:
        return None
    finally:
        journal.close()
    return ending


async def _resumed(bench: Bench, plan: Any, accident: Accident) -> Any:
    try:
        return (await bench.resume(plan, accident)).ending
    except Killed:
        return None


async def test_every_row_is_told_once(bench: Bench) -> None:
    plan = await plan_of(bench, *muting(unmuted(bench, 12)))

    await bench.apply(plan)

    told = [event.plan_row_id for event in bench.events if isinstance(event, RowSettled)]
    assert sorted(told) == list(range(12))


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
    plan = await plan_of(bench, line(row, op="update", last_read_message_index=row["last_read_message_index"] + 1))

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
        for _ in range(50):
            await asyncio.sleep(0)
        self.under_way.subtract((user, conversation))
        return await super().send(request)


async def test_few_writes_of_one_user_and_in_one_conversation_are_under_way_at_once(bench: Bench) -> None:
    rows = unmuted(bench, 1_000)
    crowded, members = Counter(row["conversation_sid"] for row in rows).most_common(1)[0]
    busy, conversations = Counter(row["user_sid"] for row in rows).most_common(1)[0]
    mine = [row for row in rows if row["conversation_sid"] == crowded or row["user_sid"] == busy]
    plan = await plan_of(bench, *muting(mine))
    directory, journal = bench.begin(plan)
    crowd = Crowd(bench.desk)

    ending = await bench.go(plan, directory, journal, crowd, canary=0, parallel=50)

    journal.close()
    assert ending.counts == {Outcome.APPLIED: len(mine)}
    assert min(members, conversations) > 6, "too few to crowd"
    assert max(number for sid, number in crowd.most.items() if sid.startswith("US")) == 2
    assert max(number for sid, number in crowd.most.items() if sid.startswith("CH")) == 4


async def test_rows_under_way_have_the_grace_and_no_longer_once_somebody_stops_the_run(bench: Bench) -> None:
    plan = await plan_of(bench, *muting(unmuted(bench, 3)))
    directory, journal = bench.begin(plan)

    class Deaf(WorldTransport):
        async def send(self, request: Request) -> Response:
            if request.method == "GET":
                return await super().send(request)
            bench.stop.request_stop(StopReason("stopped by SIGTERM", ExitCode.TERMINATED))
            return await asyncio.get_running_loop().create_future()

    ending = await bench.go(plan, directory, journal, Deaf(bench.desk), grace_seconds=0.01)
    journal.close()

    assert ending.exit_code == ExitCode.TERMINATED
    assert ending.counts[Outcome.UNKNOWN] >= 1
    resumed = await bench.resume(plan)
    assert resumed.counts == {Outcome.APPLIED: 3}


async def test_the_audit_tells_when_a_run_was_held(bench: Bench) -> None:
    plan = await plan_of(bench, *muting(unmuted(bench, 30)))
    directory, journal = bench.begin(plan)
    directory.pause.touch()

    def lift(event: object) -> None:
        if isinstance(event, WritesHeld):
            directory.pause.unlink()

    bench.events = Hearing(lift)
    await bench.go(plan, directory, journal, WorldTransport(bench.desk))
    told = [event for event in journal.events() if event["kind"] in {"held", "went_on"}]
    journal.close()

    assert [event["kind"] for event in told] == ["held", "went_on"]
    assert "PAUSE is there" in told[0]["reason"]


class Hearing(list[Any]):
    """Events, each shown to somebody as it comes."""

    def __init__(self, show: Callable[[object], None]) -> None:
        super().__init__()
        self._show = show

    def append(self, event: Any) -> None:
        super().append(event)
        self._show(event)


class TestCanaryPause:
    async def test_nothing_follows_the_canary_before_somebody_agrees(self, bench: Bench) -> None:
        plan = await plan_of(bench, *muting(unmuted(bench, 12)))

        applied = await bench.apply(plan, canary=4, canary_pause=True)

        assert applied.counts == {Outcome.APPLIED: 4, Outcome.CANCELLED: 8}
        assert applied.ending.exit_code == ExitCode.CONSENT_MISSING
        assert applied.ending.resumable
        assert bench.questions == ["The first 4 of 12 updates are done and were read back."]

    async def test_going_on_is_the_consent_and_each_operation_has_its_own_canary(self, bench: Bench) -> None:
        rows = unmuted(bench, 20)
        plan = await plan_of(bench, *[line(row, op="delete") for row in rows[:8]], *muting(rows[8:]))

        first = await bench.apply(plan, canary=4, canary_pause=True)
        second = await bench.resume(plan, canary=4, canary_pause=True)
        third = await bench.resume(plan, canary=4, canary_pause=True)

        assert first.counts == {Outcome.APPLIED: 4, Outcome.CANCELLED: 16}
        assert second.counts == {Outcome.APPLIED: 16, Outcome.CANCELLED: 4}
        assert second.ending.exit_code == ExitCode.CONSENT_MISSING
        assert third.counts == {Outcome.APPLIED: 20}
        assert bench.questions[1] == "The first 4 of 8 removals are done and were read back."

    async def test_rows_that_were_only_read_back_are_none_of_those_left(self, bench: Bench) -> None:
        one_of_each = {row["user_sid"]: row for row in unmuted(bench, 100)}
        plan = await plan_of(bench, *muting(list(one_of_each.values())[:5]))

        def die(transport: WorldTransport, request: Request) -> None:
            transport.ask(request)
            raise Killed

        with pytest.raises(Killed):
            await bench.apply(plan, writes(die), canary=4, canary_pause=True, parallel=1)
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

    async def test_nobody_is_asked_where_nothing_is_left_or_the_canary_failed(self, bench: Bench) -> None:
        rows = unmuted(bench, 12)
        whole = await plan_of(bench, *muting(rows[:4]))
        applied = await bench.apply(whole, canary=4, canary_pause=True)
        assert applied.counts == {Outcome.APPLIED: 4}

        bench.folder.joinpath("r-1").rename(bench.folder / "r-0")
        failing = await plan_of(bench, *muting(rows[4:]))
        applied = await bench.apply(failing, writes(status(400, 50210)), canary=4, canary_pause=True)
        assert applied.ending.exit_code == ExitCode.STOPPED_EARLY
        assert bench.questions == []


@pytest.mark.parametrize(
    ("counts", "code"),
    [
        ({"applied": 3}, ExitCode.DONE),
        ({"applied": 3, "drifted": 1}, ExitCode.SOME_DRIFTED),
        ({"drifted": 1, "rejected": 1}, ExitCode.SOME_FAILED),
        ({"not_found": 1}, ExitCode.SOME_FAILED),
        ({"drifted": 1, "rejected": 1, "unknown": 1}, ExitCode.SOME_UNKNOWN),
    ],
)
def test_the_worst_row_decides_the_exit_code(counts: dict[str, int], code: ExitCode) -> None:
    assert exit_code_of(counts) == code


def test_an_ending_counts_every_row_once_and_a_stop_only_where_rows_are_left() -> None:
    stop = StopReason("enough", ExitCode.TERMINATED)

    left = ended({"applied": 2, INTENT: 1, "pending": 1}, 10, stop)
    done = ended({"applied": 10}, 10, stop)

    assert left.counts == {"applied": 2, "unknown": 1, "cancelled": 7}
    assert (left.exit_code, done.exit_code) == (ExitCode.TERMINATED, ExitCode.DONE)
    assert ended({"applied": 1}, 2, None).exit_code == ExitCode.STOPPED_EARLY


def test_the_default_settle_schedule_is_the_documented_one() -> None:
    assert CarrierOptions().settle_seconds == (2.0, 5.0, 10.0, 30.0)
    assert isinstance(Applied, type)
