"""How commands end, for tests of those who hear of it."""

from datetime import UTC, datetime

from readstate_jobs.outcome.outcome import Outcome

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def outcome(exit_code: int = 0, message: str = "", hint: str = "") -> Outcome:
    return Outcome(command="export", exit_code=exit_code, message=message, hint=hint, started_at=NOON, ended_at=NOON)
