"""Read many items at once until all are read or the run is to stop."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from readstate.concurrency import bounded_map
from readstate.stop import StopSwitch
from readstate.twilio.read_context import ReadContext

Item = TypeVar("Item")
Result = TypeVar("Result")

STOPPED_HINT = "Nothing was changed: run the command again."
_BATCH = 20
"""Results that wait to be kept: those of 20 users with 1 000 conversations each take some 25 MB."""


def read_each(
    read: Callable[[Item], Awaitable[Result]], items: Iterable[Item], context: ReadContext
) -> AbstractAsyncContextManager[AsyncIterator[Result]]:
    """Read *items* for as long as the block lasts; results come in no order. Raise `Stopped` at the next item."""
    return bounded_map(read, _until_stopped(items, context.stop), limit=context.parallel)


async def read_in_batches(
    read: Callable[[Item], Awaitable[Result]],
    items: Iterable[Item],
    keep: Callable[[list[Result]], int],
    context: ReadContext,
) -> int:
    """Read *items*, and pass the results to *keep* some at a time; return the sum of what it returns."""
    total = 0
    batch: list[Result] = []
    async with read_each(read, items, context) as results:
        async for result in results:
            batch.append(result)
            # A transaction for each result would be slow, and a crash loses nothing: a plan starts again from nothing.
            if len(batch) == _BATCH:
                total += keep(batch)
                batch = []
    return total + keep(batch)


def _until_stopped(items: Iterable[Item], stop: StopSwitch) -> Iterator[Item]:
    for item in items:
        stop.raise_if_stopped(hint=STOPPED_HINT)
        yield item
