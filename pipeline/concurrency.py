"""Many at once, not too many, and none left over when the block ends."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_END = object()


@asynccontextmanager
async def bounded_map(
    function: Callable[[Item], Awaitable[Result]],
    items: Iterable[Item] | AsyncIterable[Item],
    *,
    limit: int,
) -> AsyncIterator[AsyncIterator[Result]]:
    """Run *function* over *items*, at most *limit* at once, and give the results as they complete.

    Results wait at most *limit* deep: a slow consumer slows the taking of items.
    The first error stops everything and is raised where the results are consumed;
    leaving the block cancels what is under way and waits until it is gone.
    """
    source = items if isinstance(items, AsyncIterable) else _asynchronous(items)
    iterator = aiter(source)
    turn = asyncio.Lock()  # an asynchronous generator cannot be asked for two items at once
    results: asyncio.Queue[Result | BaseException | object] = asyncio.Queue(limit)

    async def worker() -> None:
        while True:
            async with turn:
                item = await anext(iterator, _END)
            if item is _END:
                return
            await results.put(await function(item))  # type: ignore[arg-type]

    async def supervise() -> None:
        """Start a worker for each item until *limit* are at work, so that ten items never cost 500 tasks."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(limit):
                    async with turn:
                        item = await anext(iterator, _END)
                    if item is _END:
                        break
                    group.create_task(_first_then(item, worker))
        except BaseExceptionGroup as failures:
            await results.put(_first_leaf(failures))
        else:
            await results.put(_END)

    async def _first_then(item: object, continue_with: Callable[[], Awaitable[None]]) -> None:
        await results.put(await function(item))  # type: ignore[arg-type]
        await continue_with()

    async def consume() -> AsyncIterator[Result]:
        while (result := await results.get()) is not _END:
            if isinstance(result, BaseException):
                raise result
            yield result  # type: ignore[misc]

    supervisor = asyncio.create_task(supervise())
    try:
        yield consume()
    finally:
        supervisor.cancel()
        await asyncio.gather(supervisor, return_exceptions=True)


async def _asynchronous(items: Iterable[Item]) -> AsyncIterator[Item]:
    for item in items:
        yield item


def _first_leaf(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    first = failures.exceptions[0]
    return _first_leaf(first) if isinstance(first, BaseExceptionGroup) else first
