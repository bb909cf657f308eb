"""A run learns that it is to stop, and why."""

import asyncio

import pytest

from readstate.clock import SystemClock
from readstate.errors import ExitCode, Stopped
from readstate.stop import StopReason, StopSwitch, cancel_after_grace

FIRST = StopReason("stopped by SIGTERM", ExitCode.TERMINATED)
SECOND = StopReason("stopped by SIGINT", ExitCode.INTERRUPTED)


async def test_the_first_reason_stays_and_every_request_is_heard() -> None:
    stop, heard = StopSwitch(), []
    stop.on_stop(lambda: heard.append(stop.reason()))
    stop.raise_if_stopped()

    stop.request_stop(FIRST)
    stop.request_stop(SECOND)

    assert heard == [FIRST, FIRST]
    with pytest.raises(Stopped, match="SIGTERM\nRun it again") as caught:
        stop.raise_if_stopped(hint="Run it again.")
    assert caught.value.exit_code is ExitCode.TERMINATED


async def test_a_block_that_ends_within_the_grace_keeps_its_result() -> None:
    stop, done = StopSwitch(), []

    async with cancel_after_grace(60, stop=stop, clock=SystemClock()):
        stop.request_stop(FIRST)
        await asyncio.sleep(0)
        done.append(True)

    assert done == [True]


async def test_a_block_that_outlasts_the_grace_is_cancelled_with_the_reason() -> None:
    stop = StopSwitch()

    with pytest.raises(Stopped, match=FIRST.text):
        async with cancel_after_grace(0, stop=stop, clock=SystemClock()):
            stop.request_stop(FIRST)
            await asyncio.Event().wait()


async def test_an_error_of_the_block_is_raised_itself_and_not_in_a_group() -> None:
    with pytest.raises(KeyError):
        async with cancel_after_grace(60, stop=StopSwitch(), clock=SystemClock()):
            raise KeyError
