"""`bounded_map`: many at once, not too many, none lost, none left over."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.concurrency import bounded_map
from tests.helpers.event_loop import settle


class Work:
    """A function whose calls wait until the test lets them go."""

    def __init__(self) -> None:
        self.started: list[int] = []
        self.cancelled: list[int] = []
        self.now = self.most = 0
        self._gate = asyncio.Event()

    async def __call__(self, item: int) -> int:
        self.started.append(item)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await self._gate.wait()
        except asyncio.CancelledError:
            self.cancelled.append(item)
            raise
        finally:
            self.now -= 1
        return item * item

    def let_go(self) -> None:
        self._gate.set()


class Source:
    """An asynchronous source that counts what was taken, and knows when it was closed."""

    def __init__(self, length: int, *, error: Exception | None = None) -> None:
        self.taken = 0
        self.closed = False
        self._length = length
        self._error = error

    async def items(self) -> AsyncIterator[int]:
        try:
            for number in range(self._length):
                await asyncio.sleep(0)
                self.taken += 1
                yield number
            if self._error:
                raise self._error
        finally:
            self.closed = True


async def squared(item: int) -> int:
    await asyncio.sleep(0)
    return item * item


async def collect(function: object, items: object, limit: int) -> list[int]:
    async with bounded_map(function, items, limit=limit) as results:  # type: ignore[arg-type, var-annotated]
        return [result async for result in results]


class TestResults:
    @given(st.lists(st.integers(), max_size=40), st.integers(1, 12), st.booleans(), st.randoms())
    async def test_each_item_gives_one_result_whatever_the_order_of_completion(
        self, items: list[int], limit: int, from_async: bool, chance: object
    ) -> None:
        async def slow(item: int) -> int:
            for _ in range(chance.randint(0, 5)):  # type: ignore[attr-defined]
                await asyncio.sleep(0)
            return item * item

        async def asynchronous() -> AsyncIterator[int]:
            for item in items:
                yield item

        results = await collect(slow, asynchronous() if from_async else items, limit)

        assert sorted(results) == sorted(item * item for item in items)

    async def test_an_exception_that_is_returned_is_a_result_and_not_an_error(self) -> None:
        async def returns(item: int) -> Exception:
            return ValueError(item)

        assert [type(result) for result in await collect(returns, [1], 1)] == [ValueError]

    async def test_what_is_ready_first_comes_first(self) -> None:
        gates = {item: asyncio.Event() for item in range(3)}

        async def wait(item: int) -> int:
            await gates[item].wait()
            return item

        order = []
        async with bounded_map(wait, range(3), limit=3) as results:
            for item in (2, 0, 1):
                gates[item].set()
                order.append(await anext(results))

        assert order == [2, 0, 1]

    async def test_results_are_given_while_the_source_is_still_slow(self) -> None:
        forever = asyncio.Event()

        async def one_then_silence() -> AsyncIterator[int]:
            yield 3
            await forever.wait()

        async with bounded_map(squared, one_then_silence(), limit=5) as results:
            assert await anext(results) == 9


class TestBounds:
    @pytest.mark.parametrize("limit", [1, 3, 7])
    async def test_never_more_than_the_limit_run_at_once(self, limit: int) -> None:
        work = Work()
        async with bounded_map(work, range(20), limit=limit) as results:
            await settle()
            assert (work.now, len(work.started)) == (limit, limit)
            work.let_go()
            assert len([result async for result in results]) == 20

        assert work.most == limit

    async def test_an_endless_synchronous_source_is_taken_lazily_too(self) -> None:
        taken = []

        def endless() -> Iterator[int]:
            while True:
                taken.append(1)
                yield 1

        async with bounded_map(squared, endless(), limit=3) as results:
            for _ in range(10):
                await anext(results)

        assert len(taken) < 30

    async def test_a_slow_consumer_slows_the_taking(self) -> None:
        source = Source(1000)
        async with bounded_map(squared, source.items(), limit=4) as results:
            await anext(results)
            for _ in range(20):
                await settle()
            taken = source.taken

        assert taken <= 1 + 4 + 4 + 1

    @pytest.mark.parametrize("items", [1, 3])
    async def test_a_high_limit_costs_no_more_tasks_than_there_are_items(self, items: int) -> None:
        work, before = Work(), len(asyncio.all_tasks())
        async with bounded_map(work, range(items), limit=500) as results:
            await settle()
            assert len(asyncio.all_tasks()) - before <= 1 + items + 1
            work.let_go()
            assert len([result async for result in results]) == items

    async def test_work_that_is_done_at_once_needs_few_workers(self) -> None:
        most = 0

        async def at_once(item: int) -> int:
            nonlocal most
            most = max(most, len(asyncio.all_tasks()))
            return item

        await collect(at_once, range(100), 50)

        assert most <= 10


class TestErrors:
    async def test_an_error_of_the_work_is_raised_itself_after_what_was_ready(self) -> None:
        error = ValueError("item 2")

        async def fails(item: int) -> int:
            if item == 2:
                raise error
            return item

        seen = []
        with pytest.raises(ValueError, match="item 2") as raised:
            async with bounded_map(fails, range(9), limit=1) as results:
                async for result in results:
                    seen.append(result)

        assert (raised.value, seen) == (error, [0, 1])

    async def test_an_error_cancels_what_is_under_way_and_takes_nothing_more(self) -> None:
        work, source = Work(), Source(1000)

        async def third_fails(item: int) -> int:
            return await work(item) if item < 3 else int("three")

        with pytest.raises(ValueError, match="three"):
            await collect(third_fails, source.items(), 4)

        assert sorted(work.cancelled) == [0, 1, 2]
        assert source.taken <= 5

    async def test_an_error_of_the_source_is_raised_too(self) -> None:
        source = Source(5, error=OSError("roster"))

        with pytest.raises(OSError, match="roster"):
            await collect(squared, source.items(), 2)

    @pytest.mark.parametrize(
        ("failing", "error", "raised"),
        [
            ([9], ValueError("nine"), ValueError),
            ([0, 1], ValueError("the first"), ValueError),
            ([0], ExceptionGroup("inner", [KeyError("inside")]), KeyError),
        ],
        ids=["though more results wait than fit", "the first of two", "the first of a group"],
    )
    async def test_one_error_arrives(self, failing: list[int], error: Exception, raised: type[Exception]) -> None:
        async def fails(item: int) -> int:
            if item in failing:
                raise error if item == failing[0] else RuntimeError("the second")
            return item

        with pytest.raises(raised):
            await collect(fails, range(20), 3)

    async def test_work_that_cancels_itself_is_an_error_and_not_a_lost_result(self) -> None:
        async def cancels_itself(item: int) -> int:
            if item == 1:
                raise asyncio.CancelledError
            return item

        with pytest.raises(RuntimeError, match="cancelled from inside"):
            await collect(cancels_itself, range(5), 2)

    async def test_an_error_in_the_block_passes_and_cancels_the_work(self) -> None:
        work = Work()
        with pytest.raises(KeyError):
            async with bounded_map(work, range(9), limit=3):
                await settle()
                raise KeyError

        assert sorted(work.cancelled) == [0, 1, 2]


class TestLeaving:
    async def test_leaving_early_cancels_the_work_and_waits_until_it_is_gone(self) -> None:
        work = Work()
        gone = []

        async def slow_to_go(item: int) -> int:
            try:
                return await work(item)
            finally:
                await settle()
                gone.append(item)

        async with bounded_map(slow_to_go, range(9), limit=3):
            await settle()

        assert sorted(gone) == [0, 1, 2]
        assert len(asyncio.all_tasks()) == 1

    async def test_cancelling_the_consumer_cancels_the_work(self) -> None:
        work, source = Work(), Source(1000)
        consumer = asyncio.create_task(collect(work, source.items(), 3))
        await settle()
        consumer.cancel()

        with pytest.raises(asyncio.CancelledError):
            await consumer
        assert sorted(work.cancelled) == [0, 1, 2]
        assert source.closed

    @pytest.mark.parametrize("moment", ["before", "after"])
    async def test_an_error_at_the_moment_of_leaving_is_dropped_although_results_wait(self, moment: str) -> None:
        leaving = asyncio.Event()

        async def last_fails(item: int) -> int:
            if item < 4:
                return item
            try:
                await leaving.wait()
            except asyncio.CancelledError:
                if moment == "after":
                    raise KeyError("gone") from None
                raise
            raise KeyError("gone")

        async def consume() -> None:
            async with bounded_map(last_fails, range(9), limit=4):
                await asyncio.Event().wait()

        consumer = asyncio.create_task(consume())
        await settle()
        if moment == "before":
            leaving.set()
            await asyncio.sleep(0)
        consumer.cancel()

        done, _ = await asyncio.wait([consumer], timeout=5)
        assert done == {consumer}
        assert consumer.cancelled()
