"""The rows of a plan that a run still has to bring to their outcome."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from readstate.changes.plans.reader import Plan
from readstate.changes.plans.schema import to_rows
from readstate.changes.runs.journal import Journal
from readstate.errors import PlanUnusable
from readstate.model.change import Disposition, PreconditionKind
from readstate.model.plan import PlanRow


def left_to_do(plan: Plan, journal: Journal) -> Iterator[PlanRow]:
    """The executable rows of *plan* that *journal* has no outcome for. Raises `PlanUnusable`."""
    settled = journal.settled()
    next_settled = next(settled, None)
    executable = removals = 0
    for batch in plan.batches():
        for row in to_rows(batch.filter(_is_executable(batch))):
            executable += 1
            removals += row.pre_kind == PreconditionKind.MEMBER
            if row.plan_row_id == next_settled:
                next_settled = next(settled, None)
            else:
                yield row
    # The guards were asked about these numbers: nothing is sent where they are not those of the rows.
    planned = plan.manifest.guard_inputs
    if (executable, removals) != (journal.header.executable, planned.deletes):
        raise PlanUnusable(
            f"plan {plan.manifest.plan_id} has {executable} rows to carry out and {removals} of them remove somebody, "
            f"not {journal.header.executable} and {planned.deletes}",
            hint="It cannot be trusted: plan again.",
        )


def _is_executable(batch: pa.RecordBatch) -> pa.BooleanArray:
    return pc.is_in(batch.column("disposition"), value_set=pa.array([Disposition.UPDATE, Disposition.DELETE]))
