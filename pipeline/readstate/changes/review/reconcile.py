"""Begin a new journal for a plan whose journal is lost: read every row and write down how it stands. Sends only GET."""

from collections import Counter

from readstate.changes.current_state.plan_rows import Seen
from readstate.changes.current_state.reading_rows import RowReading, reading
from readstate.changes.plans.reader import Plan
from readstate.changes.rules.settle import Standing, standing
from readstate.changes.runs.journal import Journal
from readstate.changes.runs.row_record import RowRecord, micros
from readstate.model.change import Disposition
from readstate.model.outcome import By, Outcome
from readstate.model.plan import PlanRow

_ROWS_AT_ONCE = 500

_OUTCOMES = {
    Standing.AT_TARGET: Outcome.APPLIED,
    Standing.BEYOND: Outcome.CONVERGED,
    Standing.ELSEWHERE: Outcome.DRIFTED,
    Standing.GONE: Outcome.NOT_FOUND,
}
"""What is as before, or cannot be read, is left to a later `resume`: it reads each row again before it sends.

Such rows get no line in the journal. A resume keeps its unfinished ones in memory, and here that might be all.
"""


async def reconcile(plan: Plan, journal: Journal, around: RowReading) -> Counter[Standing]:
    """Fill *journal* with what reading every executable row of *plan* tells; give the rows by where they stand.

    Raises `Stopped`, `LocalDisk`, `NotPermitted`.
    """
    rows = ((row, None) for row in plan.rows() if Disposition(row.disposition).is_executable)
    counts: Counter[Standing] = Counter()
    batch: list[RowRecord] = []
    async with reading(rows, around) as results:
        async for row, _, seen in results:
            where = standing(row, seen.current)
            counts[where] += 1
            if (record := _record(row, where, seen, epoch=journal.epoch)) is not None:
                batch.append(record)
            if len(batch) == _ROWS_AT_ONCE:
                journal.write(batch)
                batch = []
    journal.write(batch)
    journal.tell("reconciled", around.clock.now(), counts={where.value: number for where, number in counts.items()})
    return counts


def _record(row: PlanRow, where: Standing, seen: Seen, *, epoch: int) -> RowRecord | None:
    if (outcome := _OUTCOMES.get(where)) is None:
        return None
    record = RowRecord(plan_row_id=row.plan_row_id, epoch=epoch)
    record.observe(seen.current, seen.at)
    record.settle(outcome, seen.at, by=By.RECONCILE, reason=where.value.upper())
    if outcome is Outcome.APPLIED:
        # What was read just before the write is lost with the journal: the plan's own reading stands in for it.
        record.before_index, record.before_level = row.before_index, row.before_level
        record.before_timestamp = None if row.before_timestamp is None else micros(row.before_timestamp)
        record.sent_index, record.sent_level = row.set_index, row.set_level
        record.sent_timestamp = None if row.set_timestamp is None else micros(row.set_timestamp)
    return record
