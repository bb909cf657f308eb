"""A stop that somebody asked for, obeyed in time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from readstate.clock import Clock
from readstate.stop import StopSwitch


@asynccontextmanager
async def stopping_in_time(grace_seconds: float, *, stop: StopSwitch, clock: Clock) -> AsyncIterator[None]:
    """When a stop is asked for, give what is in flight in the block a while to end, then cancel it.

    Raises the first error of the block alone, not a group of them.
    """

    async def obey() -> None:
        reason = await stop.wait()
        await clock.sleep(grace_seconds)
        raise reason.as_error()

    try:
        async with asyncio.TaskGroup() as group:
            watcher = group.create_task(obey())
            yield
            watcher.cancel()
    except BaseExceptionGroup as failures:
        error: BaseException = failures
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None
