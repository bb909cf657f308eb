"""A write that waited too long for its turn stays here, and reads let writes go first."""

import asyncio

import pytest

from readstate.errors import TooLate
from readstate.twilio.http.request import Request
from readstate.twilio.pacing.limiter import AdaptiveLimiter, LimiterSettings
from readstate.twilio.retry import Retrying, RetryPolicy
from readstate.twilio.throttle import Throttled
from tests.helpers.fake_clock import FakeClock
from tests.helpers.scripted_transport import ScriptedTransport, answer


async def test_a_write_whose_turn_comes_too_late_is_not_sent_and_gives_its_turn_back():
    clock, limiter, inner = FakeClock(), AdaptiveLimiter(LimiterSettings()), ScriptedTransport(answer(204))
    throttled = Throttled(inner, limiter, clock)

    with pytest.raises(TooLate):
        await throttled.send(Request("DELETE", "/v1/x", domain="writes:IS1", leave_by=clock.monotonic() - 0.1))

    assert inner.sent == 0
    assert limiter.in_flight == 0


async def test_a_refused_write_is_sent_again_only_while_it_may_still_leave():
    clock = FakeClock()
    inner = ScriptedTransport(answer(429, {"code": 20429}, {"retry-after": "60"}))
    transport = Retrying(Throttled(inner, AdaptiveLimiter(LimiterSettings()), clock), policy=RetryPolicy(), clock=clock)

    with pytest.raises(TooLate):
        await transport.send(Request("POST", "/v1/x", domain="writes:IS1", leave_by=clock.monotonic() + 5))

    assert inner.sent == 1


async def test_a_place_that_becomes_free_goes_to_a_write_before_the_reads_that_came_earlier():
    order: list[str] = []
    gate = asyncio.Event()

    class Slow:
        async def send(self, request):
            order.append(request.method)
            await gate.wait()
            return answer(204)

    throttled = Throttled(Slow(), AdaptiveLimiter(LimiterSettings(initial_in_flight=1)), FakeClock())
    waiting = [asyncio.create_task(throttled.send(Request("GET", f"/v1/{number}"))) for number in range(5)]
    await asyncio.sleep(0)
    waiting.append(asyncio.create_task(throttled.send(Request("POST", "/v1/x", domain="writes:IS1"))))
    await asyncio.sleep(0)

    gate.set()
    await asyncio.gather(*waiting)

    assert order[:2] == ["GET", "POST"]
