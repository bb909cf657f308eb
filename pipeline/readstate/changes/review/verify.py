"""Read back what a run has changed. Sends nothing but GET."""

from collections import Counter

from msgspec import Struct, field

from readstate.changes.current_state.plan_rows import read_each_row
from readstate.changes.plans.reader import Plan
from readstate.changes.rules.preconditions import RowState, row_state
from readstate.changes.rules.sampling import is_sampled
from readstate.changes.runs.journal import Journal
from readstate.changes.runs.results import paired
from readstate.errors import ExitCode
from readstate.model.outcome import OutcomeClass, outcomes_in
from readstate.model.plan import PlanRow
from readstate.twilio.read_context import ReadContext

SHOWN = 20
_GOOD = outcomes_in(OutcomeClass.AS_PLANNED)


class Verified(Struct):
    """The present states of rows that a run had brought to their target."""

    counts: Counter[RowState] = field(default_factory=Counter)
    differences: list[tuple[PlanRow, RowState]] = field(default_factory=list)
    """The first rows that are not as the run left them."""

    def add(self, row: PlanRow, where: RowState) -> None:
        self.counts[where] += 1
        if where not in {RowState.AT_TARGET, RowState.BEYOND} and len(self.differences) < SHOWN:
            self.differences.append((row, where))

    @property
    def exit_code(self) -> ExitCode:
        """The worst that was found; a user who has read further is no failure."""
        if self.counts[RowState.UNREADABLE]:
            return ExitCode.SOME_UNKNOWN
        if self.counts[RowState.AT_BEFORE]:
            return ExitCode.SOME_FAILED
        if self.counts[RowState.ELSEWHERE] or self.counts[RowState.GONE]:
            return ExitCode.SOME_DRIFTED
        return ExitCode.DONE


async def verify(plan: Plan, journal: Journal, context: ReadContext, *, share: float) -> Verified:
    """Read *share* of the rows that *journal* calls applied or converged. Raise `Stopped`, `NotPermitted`."""
    chosen = (
        (row, record)
        for row, record in paired(plan, journal)
        if record is not None and record.state in _GOOD and is_sampled(row.plan_row_id, share)
    )
    verified = Verified()
    async with read_each_row(chosen, context) as seen:
        async for row, _, now in seen:
            verified.add(row, row_state(row, now.current))
    return verified
