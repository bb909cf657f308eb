"""Computes the next item of a stream while the one before is still being used."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar, cast

Item = TypeVar("Item")


@contextmanager
def one_ahead(items: Iterator[Item]) -> Iterator[Iterator[Item]]:
    """Give *items* in their order, each computed on a thread of its own as soon as the one before is taken.

    At any time one item waits or is being computed, besides the one in use. An error of *items* is raised where the
    item would have come. Leaving the block waits for the item that is being computed.
    """
    end = object()
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as thread:

        def each() -> Iterator[Item]:
            coming = thread.submit(next, items, end)
            while (item := coming.result()) is not end:
                coming = thread.submit(next, items, end)
                yield cast("Item", item)
                del item  # it may be large, and to wait for the next one may take long

        yield each()
