"""Those who want to hear how a command ended."""

from collections.abc import Collection, Iterator

from msgspec import Struct

from readstate_jobs.outcome.end_command import run_end_command
from readstate_jobs.outcome.outcome import Outcome
from readstate_jobs.outcome.ping import Ping


class OutcomeReporter(Struct):
    """A monitoring service, a command, both or none."""

    ping: Ping | None = None
    end_command: str | None = None

    def report(self, outcome: Outcome, secrets: Collection[str] = ()) -> Iterator[str]:
        """Report *outcome*, without *secrets*, and yield what went wrong with that."""
        if self.ping is not None and (problem := self.ping.end(outcome)):
            yield problem
        if self.end_command is not None and (problem := run_end_command(self.end_command, outcome, secrets)):
            yield problem
