"""What reading needs from outside, and how many readings go on at once."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from readstate.clock import Clock
from readstate.concurrency import bounded_map
from readstate.errors import Stopped
from readstate.events import Observer
from readstate.stop import StopSwitch
from readstate.twilio.client import Reader

Item = TypeVar("Item")
Result = TypeVar("Result")

_KEPT_AT_ONCE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadContext:
    """What reading needs from outside."""

    reader: Reader
    service_sid: str
    clock: Clock
    stop: StopSwitch
    emit: Observer
    parallel: int


async def in_batches(
    read: Callable[[Item], Awaitable[Result]],
    items: Iterable[Item],
    keep: Callable[[list[Result]], None],
    around: ReadContext,
) -> None:
    """Read *items*, many at once, and keep the results some hundred at a time: a transaction each would be slow."""
    batch: list[Result] = []
    async with bounded_map(read, _until_stopped(items, around.stop), limit=around.parallel) as results:
        async for result in results:
            batch.append(result)
            if len(batch) == _KEPT_AT_ONCE:
                keep(batch)
                batch = []
    keep(batch)


def _until_stopped(items: Iterable[Item], stop: StopSwitch) -> Iterator[Item]:
    for item in items:
        raise_if_stopped(stop)
        yield item


def raise_if_stopped(stop: StopSwitch) -> None:
    """Raise `Stopped`, with what to do next, where somebody asked to stop."""
    if (reason := stop.reason()) is not None:
        raise Stopped(reason.text, exit_code=reason.exit_code, hint="Nothing was planned: run the command again.")
