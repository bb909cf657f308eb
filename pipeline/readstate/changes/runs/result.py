"""How a run ended, or one start of it: every row counted once, and the code that the shell gets. Pure."""

from msgspec import Struct

from readstate.changes.runs.row_record import INTENT
from readstate.errors import ExitCode
from readstate.model.outcome import Outcome, OutcomeClass, outcomes_in
from readstate.stop import StopReason


class RunResult(Struct, frozen=True):
    """How a run, or one start of it, ended."""

    counts: dict[str, int]
    """Rows by outcome, of all that the plan was to change."""
    exit_code: ExitCode
    stopped: StopReason | None

    @property
    def resumable(self) -> bool:
        """Whether resuming could change something."""
        return self.stopped is not None or self.exit_code in {ExitCode.SOME_FAILED, ExitCode.SOME_UNKNOWN}


def summarise(counts: dict[str, int], executable: int, stopped: StopReason | None) -> RunResult:
    """Return the result of a run whose journal has *counts* by state, for a plan of *executable* rows."""
    outcomes = {state: number for state, number in counts.items() if state in set(Outcome)}
    if doubtful := counts.get(INTENT, 0):
        outcomes[Outcome.UNKNOWN] = outcomes.get(Outcome.UNKNOWN, 0) + doubtful
    if (left := executable - sum(outcomes.values())) > 0:
        outcomes[Outcome.CANCELLED] = left
        stopped = stopped or StopReason("the run ended before all rows were started", ExitCode.STOPPED_EARLY)
        return RunResult(outcomes, stopped.exit_code, stopped)
    return RunResult(outcomes, exit_code_of(outcomes), None)


def exit_code_of(outcomes: dict[str, int]) -> ExitCode:
    """Return the exit code of a finished run: the worst that happened to a row."""
    if outcomes.get(Outcome.UNKNOWN):
        return ExitCode.SOME_UNKNOWN
    if any(outcomes.get(outcome) for outcome in outcomes_in(OutcomeClass.FAILED)):
        return ExitCode.SOME_FAILED
    if any(outcomes.get(outcome) for outcome in outcomes_in(OutcomeClass.LEFT_ALONE)):
        return ExitCode.SOME_DRIFTED
    return ExitCode.DONE
