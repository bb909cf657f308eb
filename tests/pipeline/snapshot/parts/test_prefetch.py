"""The next item is ready when it is asked for."""

import threading
import time
import weakref
from collections.abc import Iterator

import pytest

from readstate.snapshot.parts.prefetch import one_ahead


def test_all_items_come_in_their_order() -> None:
    with one_ahead(iter([None, 0, "", 3])) as items:
        assert list(items) == [None, 0, "", 3]


def test_an_item_is_computed_while_the_one_before_is_used() -> None:
    is_second_computed, is_third_computed = threading.Event(), threading.Event()

    def numbers() -> Iterator[int]:
        yield 1
        is_second_computed.set()
        yield 2
        is_third_computed.set()
        yield 3

    with one_ahead(numbers()) as items:
        next(items)

        assert is_second_computed.wait(10)
        assert not is_third_computed.is_set()


def test_an_error_is_raised_where_its_item_would_have_come() -> None:
    def numbers() -> Iterator[int]:
        yield 1
        raise ZeroDivisionError

    with one_ahead(numbers()) as items:
        assert next(items) == 1
        with pytest.raises(ZeroDivisionError):
            next(items)


def test_an_item_that_was_used_is_held_no_longer() -> None:
    class Large:
        pass

    seen: list[weakref.ref[Large]] = []

    def larges() -> Iterator[Large]:
        first = Large()
        seen.append(weakref.ref(first))
        yield first
        del first
        until = time.monotonic() + 10
        while seen[0]() is not None and time.monotonic() < until:
            time.sleep(0.001)
        seen.append(seen[0])
        yield Large()

    with one_ahead(larges()) as items:
        next(items)
        next(items)

    assert seen[1]() is None


def test_leaving_early_ends_the_thread() -> None:
    before = threading.active_count()
    with one_ahead(iter(range(1000))) as items:
        next(items)

    assert threading.active_count() == before
