"""Error and drift budgets of a run, and its canary. Pure counters: each returns the reason to stop, or None."""

from msgspec import Struct, field

from readstate.model.outcome import ERRORS, Outcome, OutcomeClass, outcomes_in
from readstate.model.quantities import Allowance, parse_allowance

SMALLEST_ALLOWANCE = 10
"""A percentage needs a floor, or one bad row would end a run of thirty."""

_DRIFTED = outcomes_in(OutcomeClass.LEFT_ALONE)


def parse_budget(text: str) -> Allowance:
    """Read ``50`` as a count and ``2%`` as a share, which allows at least `SMALLEST_ALLOWANCE`. Raise `BadInput`."""
    allowance = parse_allowance(text)
    return Allowance(count=SMALLEST_ALLOWANCE, share=allowance.share) if allowance.share else allowance


class Budgets(Struct):
    """Counts the outcomes of one run."""

    max_errors: int
    max_drift: int
    errors: int = 0
    """Rows that failed; drift is no failure."""
    drifted: int = 0
    """Rows that were no longer as planned."""
    stops_on_drift: bool = False

    def count(self, outcome: str, rows: int = 1) -> None:
        if outcome in ERRORS:
            self.errors += rows
        elif outcome in _DRIFTED:
            self.drifted += rows

    def exceeded(self) -> str | None:
        """Return why the run must stop, or None."""
        if self.errors > self.max_errors:
            return f"{self.errors} rows failed, and the error budget is {self.max_errors} (--max-errors)"
        if self.stops_on_drift and self.drifted:
            return "a row had drifted (--on-drift stop)"
        if self.drifted > self.max_drift:
            return (
                f"{self.drifted} rows are no longer as in the plan, and at most {self.max_drift} may be (--max-drift): "
                "the plan is stale"
            )
        return None


class Canary(Struct):
    """The first rows of a phase: one that fails stops the run."""

    failed: list[int] = field(default_factory=list)
    rows: int = 0

    def count(self, plan_row_id: int, outcome: str) -> None:
        self.rows += 1
        if outcome in ERRORS or outcome == Outcome.SUPERSEDED:
            self.failed.append(plan_row_id)

    def exceeded(self) -> str | None:
        """Return why the run must stop, or None."""
        if not self.failed:
            return None
        named = ", ".join(map(str, self.failed[:5]))
        return f"{len(self.failed)} of the first {self.rows} rows failed (plan_row_id {named}): nothing more was sent"
