"""A run learns that it is to stop, and why."""

import asyncio

import pytest

from readstate.errors import ExitCode, Stopped
from readstate.stop import StopReason, StopSwitch

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


async def test_a_waiter_gets_the_reason() -> None:
    stop = StopSwitch()
    waiter = asyncio.create_task(stop.wait())
    await asyncio.sleep(0)

    stop.request_stop(SECOND)

    assert await waiter == SECOND
