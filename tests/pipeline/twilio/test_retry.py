"""What is sent again, after how long, when it ends, and that all of it shares one count of attempts."""

import asyncio
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.errors import NotPermitted, NotSent, StoppedEarly, TransportError, Unanswered, UnusableAnswer
from readstate.events import Event, PageShrunk, Retried, RetriesExhausted, RetryBudgetSpent
from readstate.twilio.http import request as requests
from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response
from readstate.twilio.retry import Retrying, RetryPolicy
from tests.helpers.fake_clock import FakeClock
from tests.helpers.scripted_transport import ScriptedTransport, Step, answer

USER, CONVERSATION = "US" + "a" * 32, "CH" + "b" * 32
READ = requests.fetch_user(None, USER)
DELETE = requests.delete_user_conversation(None, USER, CONVERSATION)
UPDATE = requests.update_user_conversation(None, USER, CONVERSATION, last_read_message_index=7)
WRITES = pytest.mark.parametrize("write", [DELETE, UPDATE], ids=["DELETE", "POST"])

FOREIGN = answer(200, {"sid": USER, "url": f"https://x/v1/Users/US{'c' * 32}"})
DONE = answer(200, {"sid": USER})
REFUSED = answer(401, {"code": 20003, "message": "Authenticate"})
BROKEN = answer(500, {"code": 20500})
CUT_OFF = Unanswered(f"GET {READ.path}: cut off")


class Run:
    """A `Retrying` over a script, on a fake clock, with all its events."""

    def __init__(
        self, *steps: Step, policy: RetryPolicy | None = None, chances: Iterable[float] = (0.5,), latency: float = 0.0
    ) -> None:
        self.clock = FakeClock(chances=chances)
        self.transport = ScriptedTransport(*steps)
        self.events: list[Event] = []
        self._latency = latency
        self._retrying = Retrying(self, policy=policy or RetryPolicy(), clock=self.clock, emit=self.events.append)

    async def __call__(self, request: Request = READ) -> Response:
        return await self._retrying.send(request)

    async def send(self, request: Request) -> Response:
        """The transport that `Retrying` sees: each attempt takes its time."""
        self.clock.advance(self._latency)
        return await self.transport.send(request)

    def heard(self, kind: type) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


class TestReads:
    async def test_an_answer_about_another_user_is_asked_for_again(self) -> None:
        run = Run(FOREIGN, DONE)

        assert await run() is DONE
        (retried,) = run.heard(Retried)
        assert f"about another resource: https://x/v1/Users/US{'c' * 32}" in retried.reason  # type: ignore[attr-defined]

    async def test_a_success_is_given_back_at_once(self) -> None:
        run = Run(DONE)

        assert await run() is DONE
        assert (run.transport.sent, run.clock.slept, run.events) == (1, [], [])

    @pytest.mark.parametrize(
        "trouble",
        [
            NotSent("no route"),
            Unanswered("cut off"),
            *(answer(status) for status in (401, 408, 500, 502, 503, 504)),
            answer(200, b"<html>gateway</html>"),
            answer(200, b'{"users": ['),
            answer(200, b""),
        ],
        ids=repr,
    )
    async def test_what_can_pass_is_asked_again(self, trouble: Step) -> None:
        run = Run(trouble, trouble, DONE)

        assert await run() is DONE
        assert run.transport.sent == 3

    @pytest.mark.parametrize("status", [302, 400, 403, 404, 405, 409, 410, 501])
    async def test_what_cannot_pass_is_final(self, status: int) -> None:
        run = Run(answer(status))

        assert (await run()).status == status
        assert run.transport.sent == 1

    async def test_a_body_that_is_too_large_is_final(self) -> None:
        run = Run(UnusableAnswer("too large"))

        with pytest.raises(UnusableAnswer):
            await run()
        assert run.transport.sent == 1

    async def test_after_six_failures_the_last_one_is_final(self) -> None:
        last = Unanswered("the last one")
        answered, lost = Run(*[BROKEN] * 5, answer(503)), Run(*[BROKEN] * 5, last)

        assert (await answered()).status == 503
        with pytest.raises(Unanswered) as raised:
            await lost()
        assert raised.value is last
        assert answered.transport.sent == lost.transport.sent == 6

    async def test_one_request_fails_no_longer_than_its_time(self) -> None:
        run = Run(*[BROKEN] * 9, policy=RetryPolicy(max_attempts=99, max_seconds=100), latency=30)

        assert (await run()).status == 500
        assert run.transport.sent == 5

    @pytest.mark.parametrize("stop", [StoppedEarly("outage"), RuntimeError("a bug"), asyncio.CancelledError()])
    @pytest.mark.parametrize("before", [[], [BROKEN]], ids=["at first", "later"])
    async def test_what_is_no_failure_of_transport_passes_through(
        self, before: list[Response], stop: BaseException
    ) -> None:
        run = Run(*before, stop)

        with pytest.raises(type(stop)):
            await run()
        assert run.transport.sent == len(before) + 1

    @given(
        st.lists(st.sampled_from([BROKEN, answer(503), answer(200, b"cut")]), max_size=30),
        st.integers(1, 8),
    )
    async def test_it_ends_at_the_first_success_or_at_the_last_attempt(
        self, troubles: list[Response], attempts: int
    ) -> None:
        run = Run(*troubles, DONE, policy=RetryPolicy(max_attempts=attempts))

        result = await run()

        assert run.transport.sent == min(attempts, len(troubles) + 1)
        assert (result is DONE) == (len(troubles) < attempts)


class TestWrites:
    @WRITES
    @pytest.mark.parametrize(
        "trouble", [Unanswered("cut off"), UnusableAnswer("too large"), *map(answer, (408, 409, 500, 502, 503, 504))]
    )
    async def test_what_may_have_had_its_effect_is_never_sent_again(self, write: Request, trouble: Step) -> None:
        run = Run(trouble)

        if isinstance(trouble, TransportError):
            with pytest.raises(type(trouble)):
                await run(write)
        else:
            assert await run(write) is trouble
        assert run.transport.sent == 1

    @WRITES
    @pytest.mark.parametrize("trouble", [NotSent("no route"), REFUSED])
    async def test_what_certainly_had_no_effect_is_sent_again(self, write: Request, trouble: Step) -> None:
        run = Run(trouble, trouble, DONE)

        assert await run(write) is DONE
        assert run.transport.requests == [write] * 3

    @WRITES
    async def test_an_ambiguous_failure_after_a_harmless_one_ends_it(self, write: Request) -> None:
        run = Run(NotSent("no route"), Unanswered("cut off"))

        with pytest.raises(Unanswered):
            await run(write)

    @WRITES
    async def test_a_success_whose_body_is_no_json_is_final(self, write: Request) -> None:
        run = Run(answer(204, b""))

        assert (await run(write)).status == 204

    async def test_an_answer_about_another_user_leaves_the_outcome_of_a_write_unknown(self) -> None:
        run = Run(FOREIGN)

        with pytest.raises(Unanswered, match="about another resource"):
            await run(UPDATE)
        assert run.transport.sent == 1


class TestUnauthorized:
    def request(self, number: int) -> Request:
        return requests.fetch_user(None, f"US{number:032x}")

    async def test_three_different_requests_refused_in_a_row_stop_the_run(self) -> None:
        run = Run(*[REFUSED] * 7)

        assert [(await run(self.request(number))).status for number in range(2)] == [401, 401]
        with pytest.raises(NotPermitted, match=r"3 different requests were refused in a row.*20003.*RQ000"):
            await run(self.request(2))
        assert run.transport.sent == 7

    async def test_three_at_the_same_time_stop_the_run_too(self) -> None:
        run = Run(*[REFUSED] * 9)

        results = await asyncio.gather(*(run(self.request(number)) for number in range(3)), return_exceptions=True)

        assert sum(isinstance(result, NotPermitted) for result in results) >= 1
        assert run.transport.sent <= 5

    async def test_a_success_in_between_begins_the_count_anew(self) -> None:
        run = Run(*[REFUSED] * 3, *[REFUSED] * 3, DONE, *[REFUSED] * 3)

        statuses = [(await run(self.request(number))).status for number in range(4)]

        assert statuses == [401, 401, 200, 401]


class TestWaits:
    @pytest.mark.parametrize(
        ("trouble", "slept"),
        [(BROKEN, [1, 2, 4, 8, 16, 20, 20, 20]), (CUT_OFF, [pytest.approx(0.1), 2, 4, 8, 16, 20, 20, 20])],
        ids=["longer and longer", "a first lost connection shortly"],
    )
    async def test_failures_wait_longer_and_longer_up_to_twenty_seconds(
        self, trouble: Step, slept: list[float]
    ) -> None:
        run = Run(*[trouble] * 8, DONE, policy=RetryPolicy(max_attempts=9), chances=[1.0])

        await run()

        assert run.clock.slept == slept


class TestPages:
    """A page that keeps failing is asked for with fewer rows, within the same attempts."""

    FIRST = requests.list_user_conversations(None, USER)

    @staticmethod
    def sizes(run: Run) -> list[str]:
        return [dict(request.query)["PageSize"] for request in run.transport.requests]

    @pytest.mark.parametrize("trouble", [*(answer(status) for status in (500, 502, 503, 504)), CUT_OFF], ids=repr)
    async def test_after_three_failures_each_attempt_asks_for_a_quarter(self, trouble: Step) -> None:
        run = Run(*[trouble] * 5, DONE)

        assert await run(self.FIRST) is DONE
        assert self.sizes(run) == ["50", "50", "50", "12", "3", "1"]
        assert run.heard(PageShrunk) == [PageShrunk(self.FIRST.path, size) for size in (12, 3, 1)]

    @pytest.mark.parametrize("trouble", [NotSent("no route"), answer(408), answer(200, b"<html>")], ids=repr)
    async def test_what_does_not_come_from_a_large_page_leaves_its_size(self, trouble: Step) -> None:
        run = Run(*[trouble] * 5, DONE)

        await run(self.FIRST)

        assert self.sizes(run) == ["50"] * 6


class TestBudget:
    @pytest.mark.parametrize(
        ("reserve", "share", "steps", "slept"),
        [
            (2, 0, [*[BROKEN] * 4, DONE], [1, 2, 20, 20]),
            (1, 0.5, [BROKEN, DONE, DONE, BROKEN, DONE], [1, 1]),
            (1, 0.5, [*[DONE] * 10, BROKEN, BROKEN, DONE], [1, 20]),
        ],
        ids=["spent: waits longest, gives up nothing", "each request earns", "never beyond the reserve"],
    )
    async def test_a_run_may_spend_its_reserve_and_what_its_requests_earn(
        self, reserve: float, share: float, steps: list[Response], slept: list[float]
    ) -> None:
        run = Run(*steps, policy=RetryPolicy(retry_reserve=reserve, retry_share=share), chances=[1.0])

        for _ in range(steps.count(DONE)):
            assert await run() is DONE

        assert run.clock.slept == slept

    async def test_an_empty_budget_is_reported_once(self) -> None:
        run = Run(*[BROKEN, BROKEN, DONE] * 3, policy=RetryPolicy(retry_reserve=2, retry_share=0.25))

        for _ in range(3):
            await run()

        assert run.heard(RetryBudgetSpent) == [RetryBudgetSpent(0.25)]


class TestEvents:
    async def test_each_retry_is_an_event_with_its_reason_and_request_id(self) -> None:
        run = Run(BROKEN, answer(200, b"<html>"), CUT_OFF, DONE, chances=[1.0])

        await run()

        assert [(event.reason, event.attempt, event.wait_seconds) for event in run.heard(Retried)] == [
            ("status 500", 1, 1),
            ("status 200 with an unusable body", 2, 2),
            ("cut off", 3, 4),
        ]
        assert [event.request_id for event in run.heard(Retried)] == ["RQ" + "0" * 32] * 2 + [None]

    async def test_exhausted_retries_are_an_event_with_the_request_id(self) -> None:
        run = Run(*[BROKEN] * 6)

        await run()

        assert run.heard(RetriesExhausted) == [RetriesExhausted("GET", READ.path, "status 500", 6, "RQ" + "0" * 32)]
        assert len(run.heard(Retried)) == 5
