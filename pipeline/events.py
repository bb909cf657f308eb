"""What is worth telling an observer while a run goes on."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestAnswered:
    """One HTTP attempt ended with an answer of any *status*."""

    method: str
    status: int
    seconds: float
    request_id: str | None


@dataclass(frozen=True, slots=True)
class RequestLost:
    """One HTTP attempt ended without an answer."""

    method: str
    path: str
    reason: str
    sent: bool
    """False where no byte left, so that it certainly had no effect."""


@dataclass(frozen=True, slots=True)
class Retried:
    """A request will be sent again."""

    method: str
    path: str
    reason: str
    attempt: int
    wait_seconds: float
    request_id: str | None


@dataclass(frozen=True, slots=True)
class RetriesExhausted:
    """A request failed as often, or for as long, as patience lasts."""

    method: str
    path: str
    reason: str
    attempts: int
    request_id: str | None


@dataclass(frozen=True, slots=True)
class RequestRefused:
    """A request was one too many (429); it was not processed and will be sent again."""

    domain: str | None
    """None for a read."""
    code: int | None
    retry_after_seconds: float | None


@dataclass(frozen=True, slots=True)
class WindowFound:
    """The first refusal told how many requests the account takes at once."""

    window: float


@dataclass(frozen=True, slots=True)
class GateClosed:
    """Twilio asked for a pause; nobody sends before it is over."""

    domain: str | None
    """The writes that pause; None where everything does."""
    seconds: float


@dataclass(frozen=True, slots=True)
class OutageBegan:
    """Nothing works any more: sending stopped, and one probe at a time asks whether it is over."""


@dataclass(frozen=True, slots=True)
class OutageEnded:
    """Probes were answered: sending goes on."""

    seconds: float


@dataclass(frozen=True, slots=True)
class SharedPaceLost:
    """The other processes of the account cannot be heard; this one keeps to its last share of the pace."""

    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class SharedPaceFound:
    """The processes of the account share one pace again."""

    place: str
    processes: int


@dataclass(frozen=True, slots=True)
class RetryBudgetSpent:
    """The run fails so often that its retries now wait longest."""

    retry_share: float


@dataclass(frozen=True, slots=True)
class PageShrunk:
    """A page that kept failing is asked for with fewer rows."""

    path: str
    page_size: int


@dataclass(frozen=True, slots=True)
class RosterPageRead:
    """Some more users are known."""

    service: str
    users: int


@dataclass(frozen=True, slots=True)
class UsersForeseen:
    """So many users are known from the last snapshot, before any is listed."""

    users: int


@dataclass(frozen=True, slots=True)
class RosterComplete:
    """All users of the run are known."""

    users: int


@dataclass(frozen=True, slots=True)
class RunResumed:
    """An earlier, unfinished run goes on."""

    run_id: str
    users_done: int
    users_left: int
    rows: int


@dataclass(frozen=True, slots=True)
class UserRead:
    """All conversations of one user are in."""

    user_sid: str
    rows: int
    pages: int


@dataclass(frozen=True, slots=True)
class UserVanished:
    """A user of the roster does not exist any more."""

    user_sid: str
    request_id: str | None


@dataclass(frozen=True, slots=True)
class UserFailed:
    """A user could not be read; the run goes on without that user's rows."""

    user_sid: str
    reason: str
    request_id: str | None


@dataclass(frozen=True, slots=True)
class PartWritten:
    """Rows reached the disk and are safe from a kill."""

    users: int
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class UnknownFields:
    """Answers hold fields that the schema has no column for."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compacting:
    """Parts are being merged into the files that will be published."""

    rows_done: int
    rows: int


@dataclass(frozen=True, slots=True)
class DuplicatesDropped:
    """Rows had come twice, because lists shift between pages; each is published once."""

    rows: int


@dataclass(frozen=True, slots=True)
class Publishing:
    """Finished files are being put under the root."""

    files_done: int
    files: int


@dataclass(frozen=True, slots=True)
class ApplyBegan:
    """A run begins, or goes on, to change things."""

    run_id: str
    epoch: int
    """1 at first, one more with every start."""
    rows: int
    rows_settled: int
    """By earlier starts of this run."""
    rows_in_doubt: int
    """Rows that may have been sent when the last start ended: they are read back first."""


@dataclass(frozen=True, slots=True)
class StageBegan:
    """Some more rows are let through: first the canary, then the ramp, then the rest."""

    operation: str
    stage: str
    rows: int


@dataclass(frozen=True, slots=True)
class RowSettled:
    """One row of a plan has its outcome."""

    plan_row_id: int
    outcome: str
    outcome_by: str | None
    reason: str | None
    request_id: str | None


@dataclass(frozen=True, slots=True)
class RowFailed:
    """One row of a plan could not be brought to its target."""

    plan_row_id: int
    outcome: str
    reason: str | None
    request_id: str | None


@dataclass(frozen=True, slots=True)
class OutcomeUnknown:
    """Nobody knows whether a write had its effect: its row will be read back."""

    plan_row_id: int
    reason: str
    request_id: str | None


@dataclass(frozen=True, slots=True)
class WritesHeld:
    """No row is begun for now."""

    reason: str


@dataclass(frozen=True, slots=True)
class WritesGoOn:
    """Rows are begun again."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence for the person who watches."""

    text: str


Event = object
"""Any of the classes of this module; observers ignore what they do not know."""

Observer = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Observe nothing."""
