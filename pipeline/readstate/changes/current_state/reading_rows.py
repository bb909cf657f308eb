"""Read rows of a plan, many at once and each on its own, for those who look at them and write nothing."""

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from readstate.changes.current_state.plan_rows import Observation, read_rows
from readstate.clock import Clock
from readstate.concurrency import bounded_map
from readstate.errors import Stopped
from readstate.model.plan import PlanRow
from readstate.stop import StopSwitch
from readstate.twilio.client import Reader

Companion = TypeVar("Companion")


@dataclass(frozen=True, slots=True, kw_only=True)
class RowReading:
    """What reading needs from outside."""

    reader: Reader
    service_sid: str
    clock: Clock
    stop: StopSwitch
    parallel: int


@asynccontextmanager
async def reading(
    rows: Iterable[tuple[PlanRow, Companion]], around: RowReading
) -> AsyncIterator[AsyncIterator[tuple[PlanRow, Companion, Observation]]]:
    """Read *rows* for as long as the block lasts, in no order; what comes with a row stays with it.

    Raises `Stopped` where somebody asked, and `NotPermitted`.
    """

    async def read(pair: tuple[PlanRow, Companion]) -> tuple[PlanRow, Companion, Observation]:
        row, companion = pair
        seen = await read_rows(around.reader, around.service_sid, [row], around.clock)
        return row, companion, seen[row.plan_row_id]

    async with bounded_map(read, _until_stopped(rows, around.stop), limit=around.parallel) as results:
        yield results


def _until_stopped(rows: Iterable[tuple[PlanRow, Companion]], stop: StopSwitch) -> Iterator[tuple[PlanRow, Companion]]:
    for row in rows:
        if (reason := stop.reason()) is not None:
            raise Stopped(reason.text, exit_code=reason.exit_code, hint="Nothing was changed: run it again.")
        yield row
