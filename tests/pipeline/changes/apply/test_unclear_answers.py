from collections import Counter
from typing import Any

import pytest

from readstate.errors import ExitCode, NotSent, Unanswered
from readstate.events import RowFailed, WritesGoOn, WritesHeld
from readstate.model.outcome import Outcome
from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response
from tests.helpers.apply_bench import Bench, WorldTransport, line, lost_after_effect, lost_before_effect, status, writes
from tests.helpers.apply_plans import advancing, behind, move, muting, plan_of, unmuted


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

    async def test_the_value_of_another_client_after_a_write_in_doubt_is_superseded(self, bench: Bench) -> None:
        row = behind(bench, 1)[0]
        plan = await plan_of(bench, *advancing([row]))

        def lost(transport: WorldTransport, request: Request) -> Response:
            move(bench, row, LastReadMessageIndex=str(row["last_read_message_index"] + 2))
            raise Unanswered("reset")

        applied = await bench.apply(plan, writes(lost), canary=0)

        assert applied.counts == {Outcome.SUPERSEDED: 1}
        assert applied.result.exit_code == ExitCode.SOME_DRIFTED

    async def test_what_cannot_be_read_back_stays_unknown_and_resume_settles_it(self, bench: Bench) -> None:
        plan = await plan_of(bench, *muting(unmuted(bench, 1)))

        def blind(transport: WorldTransport, request: Request) -> Response | None:
            if request.method == "POST":
                return lost_after_effect(transport, request)
            return Response(500, {}, b"{}") if transport.writes else None

        applied = await bench.apply(plan, blind)
        assert applied.counts == {Outcome.UNKNOWN: 1}
        assert applied.result.exit_code == ExitCode.SOME_UNKNOWN

        resumed = await bench.resume(plan)

        assert resumed.counts == {Outcome.APPLIED: 1}
        assert resumed.transport.writes == []

    async def test_a_success_that_shows_another_value_is_read_back_and_is_a_mismatch(self, bench: Bench) -> None:
        plan = await plan_of(bench, *muting(unmuted(bench, 1)))

        applied = await bench.apply(plan, writes(lambda *_: Response(200, {}, b"{}")))

        assert applied.counts == {Outcome.MISMATCH: 1}
        assert len(applied.transport.writes) == 1
        assert applied.result.exit_code == ExitCode.SOME_FAILED

    async def test_too_many_unclear_answers_hold_all_writes_until_a_read_succeeds(self, bench: Bench) -> None:
        plan = await plan_of(bench, *muting(unmuted(bench, 20)))

        applied = await bench.apply(
            plan, writes(lost_after_effect, only=lambda number: number < 8), canary=0, max_parallel_rows=4
        )

        assert applied.counts == {Outcome.APPLIED: 20}
        assert any(isinstance(event, WritesHeld) for event in bench.events)
        assert any(isinstance(event, WritesGoOn) for event in bench.events)
        assert any(request.path == "/v1/Configuration" for request in applied.transport.sent)


def unreachable(transport: WorldTransport, request: Request) -> Response:
    raise NotSent("connection refused")


class TestClearRefusals:
    @pytest.mark.parametrize(
        ("answers", "expected"),
        [
            (writes(unreachable, only=lambda number: number < 3), (Outcome.APPLIED, None, 1, 0, 0, True)),
            (writes(status(409, 50419), only=lambda number: number < 3), (Outcome.APPLIED, None, 4, 3, 0, True)),
            (writes(lost_before_effect), (Outcome.REJECTED, "NOT_APPLIED", 6, 0, 6, True)),
            (writes(unreachable), (Outcome.REJECTED, "NOT_SENT", 0, 0, 0, True)),
            (lambda *_: Response(500, {}, b"{}"), (Outcome.REJECTED, "UNREADABLE", 0, 0, 0, False)),
        ],
        ids=["a connection at last", "conflicts at first", "never an effect", "never a connection", "unreadable"],
    )
    async def test_what_had_no_effect_is_tried_again_for_a_while(
        self, bench: Bench, answers: Any, expected: tuple[object, ...]
    ) -> None:
        plan = await plan_of(bench, *muting(unmuted(bench, 1)))

        applied = await bench.apply(plan, answers, canary=0)

        record = applied.record()
        counts = (record.attempts, record.conflicts, record.retries_ambiguous)
        assert (record.state, record.reason_code, *counts, applied.transport.writes != []) == expected

    async def test_a_refusal_is_kept_with_its_facts_and_resume_tries_once_more(self, bench: Bench) -> None:
        plan = await plan_of(bench, *muting(unmuted(bench, 1)))

        applied = await bench.apply(plan, writes(status(400, 50210)), canary=0)

        record = applied.record()
        assert (record.state, record.http_status, record.twilio_code) == (Outcome.REJECTED, 400, 50210)
        assert record.twilio_message == "no"
        assert [event.reason for event in bench.events if isinstance(event, RowFailed)] == ["no"]
        assert applied.result.exit_code == ExitCode.SOME_FAILED
        assert (await bench.resume(plan)).counts == {Outcome.APPLIED: 1}

    @pytest.mark.parametrize(("number", "code"), [(401, 20003), (403, 70051)])
    async def test_a_key_that_may_not_write_stops_the_run_and_no_row_fails(
        self, bench: Bench, number: int, code: int
    ) -> None:
        plan = await plan_of(bench, *muting(unmuted(bench, 5)))

        applied = await bench.apply(plan, writes(status(number, code)))

        assert applied.result.exit_code == ExitCode.NOT_PERMITTED
        assert not {Outcome.REJECTED, Outcome.APPLIED} & set(applied.counts)
        assert (await bench.resume(plan)).counts == {Outcome.APPLIED: 5}
