"""Bounded concurrency over a stream of items, and a thread for what would block the event loop."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from types import TracebackType
from typing import ClassVar, ParamSpec, Self, TypeVar
from weakref import WeakSet

import msgspec

Arguments = ParamSpec("Arguments")
Item = TypeVar("Item")
Result = TypeVar("Result")


@asynccontextmanager
async def bounded_map(
    function: Callable[[Item], Awaitable[Result]],
    items: Iterable[Item] | AsyncIterable[Item],
    *,
    limit: int,
) -> AsyncIterator[AsyncIterator[Result]]:
    """Run *function* over *items*, at most *limit* at once, and yield the results as they complete.

    An item is taken when a worker is free. At most *limit* results wait: a slow consumer slows the taking of items.
    The first error cancels everything and is raised where the results are consumed, after those that were ready.
    Leaving the block cancels running work, waits until it has ended, and closes *items* where they can be closed.
    """
    results: asyncio.Queue[Result | _Ended] = asyncio.Queue(limit)
    source = aiter(items if isinstance(items, AsyncIterable) else _asynchronous(items))
    running, is_one_idle = 0, False

    def start_worker(workers: asyncio.TaskGroup) -> None:
        nonlocal running, is_one_idle
        running += 1
        is_one_idle = True
        workers.create_task(work(workers))

    async def work(workers: asyncio.TaskGroup) -> None:
        nonlocal running, is_one_idle
        while True:
            try:
                item = await anext(source)
            except StopAsyncIteration:
                return  # as the idle one, so that each of the others ends after its item
            is_one_idle = False
            # One idle worker waits for the next item: an asynchronous generator cannot be asked for two at once, and a
            # limit of 500 costs no 500 tasks for a few items.
            if running < limit:
                start_worker(workers)
            await results.put(await _not_cancelling_itself(function(item)))
            if is_one_idle:
                running -= 1
                return
            is_one_idle = True

    is_left = False

    async def run_workers() -> None:
        error = None
        try:
            async with asyncio.TaskGroup() as workers:
                start_worker(workers)
        except BaseExceptionGroup as errors:
            error = first_error(errors)
        # A task group whose workers fail forgets that it was cancelled itself; once the block is left, nothing empties
        # the queue any more, and to put another result would wait for ever.
        if not is_left:
            await results.put(_Ended(error))

    runner = asyncio.create_task(run_workers())
    try:
        yield _consumed(results)
    finally:
        is_left = True
        runner.cancel()
        await asyncio.gather(runner, return_exceptions=True)
        if isinstance(source, AsyncGenerator):
            await source.aclose()


def first_error(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first error of a group that is not a group itself."""
    first = errors.exceptions[0]
    return first_error(first) if isinstance(first, BaseExceptionGroup) else first


class WorkerThread:
    """One thread that runs functions one after the other, so that the event loop never waits for the disk.

    SQLite connections and files that only this thread uses need no lock.
    """

    _opened: ClassVar[WeakSet["WorkerThread"]] = WeakSet()
    function: str | None = None
    """The name of the function that runs now."""

    def __enter__(self) -> Self:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="worker")
        self._opened.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._executor.shutdown(wait=True)

    async def run(
        self, function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Result:
        """Return the result of *function*, run on the thread. It runs to its end even if the caller is cancelled."""
        work = partial(function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._run, work)

    def _run(self, function: "partial[Result]") -> Result:
        self.function = getattr(function.func, "__qualname__", repr(function.func))
        try:
            return function()
        finally:
            self.function = None

    @classmethod
    def running(cls) -> list[str]:
        """Return the names of the functions that run on all such threads now."""
        return sorted(name for thread in list(cls._opened) if (name := thread.function) is not None)


class _Ended(msgspec.Struct):
    error: BaseException | None


async def _consumed(results: "asyncio.Queue[Result | _Ended]") -> AsyncIterator[Result]:
    while not isinstance(message := await results.get(), _Ended):
        yield message
    if message.error is not None:
        raise message.error


async def _asynchronous(items: Iterable[Item]) -> AsyncIterator[Item]:
    for item in items:
        yield item


async def _not_cancelling_itself(work: Awaitable[Result]) -> Result:
    """Await *work*. Raise `RuntimeError` where it cancels itself: a task group would lose its result silently."""
    try:
        return await work
    except asyncio.CancelledError as cancelled:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise RuntimeError("the work on one item was cancelled from inside") from cancelled
