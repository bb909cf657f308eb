"""Many at once, not too many, and none left over when the block ends."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

import msgspec

Item = TypeVar("Item")
Result = TypeVar("Result")


@asynccontextmanager
async def bounded_map(
    function: Callable[[Item], Awaitable[Result]],
    items: Iterable[Item] | AsyncIterable[Item],
    *,
    limit: int,
) -> AsyncIterator[AsyncIterator[Result]]:
    """Run *function* over *items*, at most *limit* at once, and give the results as they complete.

    Items are taken when a worker is free. Results wait at most *limit* deep: a slow consumer slows the taking.
    The first error stops everything and is raised where the results are consumed, after those that were ready.
    Leaving the block cancels what is under way, waits until it is gone, and closes *items* where they can be closed.
    """
    results: asyncio.Queue[_Ready[Result] | _Ended] = asyncio.Queue(limit)
    source = aiter(items if isinstance(items, AsyncIterable) else _asynchronous(items))
    turn = asyncio.Lock()  # an asynchronous generator cannot be asked for two items at once

    async def work() -> None:
        while True:
            async with turn:
                try:
                    item = await anext(source)
                except StopAsyncIteration:
                    return
            await results.put(_Ready(await _not_cancelling_itself(function(item))))

    is_left = False

    async def work_together() -> None:
        error = None
        try:
            async with asyncio.TaskGroup() as workers:
                for _ in range(limit):
                    workers.create_task(work())
        except BaseExceptionGroup as errors:
            error = _first_of(errors)
        if not is_left:  # a group whose workers fail forgets that it was cancelled, and nobody makes room any more
            await results.put(_Ended(error))

    team = asyncio.create_task(work_together())
    try:
        yield _consumed(results)
    finally:
        is_left = True
        team.cancel()
        await asyncio.gather(team, return_exceptions=True)
        if isinstance(source, AsyncGenerator):
            await source.aclose()


class _Ready(msgspec.Struct, Generic[Result]):
    result: Result


class _Ended(msgspec.Struct):
    error: BaseException | None


async def _consumed(results: "asyncio.Queue[_Ready[Result] | _Ended]") -> AsyncIterator[Result]:
    while isinstance(message := await results.get(), _Ready):
        yield message.result
    if message.error is not None:
        raise message.error


async def _asynchronous(items: Iterable[Item]) -> AsyncIterator[Item]:
    for item in items:
        yield item


async def _not_cancelling_itself(work: Awaitable[Result]) -> Result:
    """Await *work*; a cancellation that nobody asked for is an error, since a task group would lose it silently."""
    try:
        return await work
    except asyncio.CancelledError as cancelled:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise RuntimeError("the work on one item was cancelled from inside") from cancelled


def _first_of(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    first = errors.exceptions[0]
    return _first_of(first) if isinstance(first, BaseExceptionGroup) else first
