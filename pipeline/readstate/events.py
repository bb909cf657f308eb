"""What is worth telling an observer while a run goes on."""

from collections.abc import Callable

import msgspec


class Event(msgspec.Struct, frozen=True):  # a dataclass takes four times as long to make, and there are two a request
    """Any of the classes of this module; observers ignore what they do not know."""


class RequestAnswered(Event, frozen=True):
    """One HTTP attempt ended with an answer of any *status*."""

    method: str
    status: int
    seconds: float
    request_id: str | None


class RequestLost(Event, frozen=True):
    """One HTTP attempt ended without an answer."""

    method: str
    path: str
    reason: str
    sent: bool
    """False where no byte left, so that it certainly had no effect."""


class Retried(Event, frozen=True):
    """A request will be sent again."""

    method: str
    path: str
    reason: str
    attempt: int
    wait_seconds: float
    request_id: str | None


class RetriesExhausted(Event, frozen=True):
    """A request failed as often, or for as long, as patience lasts."""

    method: str
    path: str
    reason: str
    attempts: int
    request_id: str | None


class RequestRefused(Event, frozen=True):
    """A request was one too many (429); it was not processed and will be sent again."""

    domain: str | None
    """None for a read."""
    code: int | None
    retry_after_seconds: float | None


class WindowFound(Event, frozen=True):
    """The first refusal told how many requests the account takes at once."""

    window: float


class GateClosed(Event, frozen=True):
    """Twilio asked for a pause; nobody sends before it is over."""

    domain: str | None
    """The writes that pause; None where everything does."""
    seconds: float


class OutageBegan(Event, frozen=True):
    """Nothing works any more: sending stopped, and one probe at a time asks whether it is over."""


class OutageEnded(Event, frozen=True):
    """Probes were answered: sending goes on."""

    seconds: float


class SharedPaceLost(Event, frozen=True):
    """The other processes of the account cannot be heard; this one keeps to its last share of the pace."""

    place: str
    reason: str


class SharedPaceFound(Event, frozen=True):
    """The processes of the account share one pace again."""

    place: str
    processes: int


class RetryBudgetSpent(Event, frozen=True):
    """The run fails so often that its retries now wait longest."""

    retry_share: float


class PageShrunk(Event, frozen=True):
    """A page that kept failing is asked for with fewer rows."""

    path: str
    page_size: int


class RosterPageRead(Event, frozen=True):
    """Some more users are known."""

    service: str
    users: int


class UsersForeseen(Event, frozen=True):
    """So many users are known from the last snapshot, before any is listed."""

    users: int


class RosterComplete(Event, frozen=True):
    """All users of the run are known."""

    users: int


class RunResumed(Event, frozen=True):
    """An earlier, unfinished run goes on."""

    run_id: str
    users_done: int
    users_left: int
    rows: int


class UserRead(Event, frozen=True):
    """All conversations of one user are in."""

    user_sid: str
    rows: int
    pages: int


class UserVanished(Event, frozen=True):
    """A user of the roster does not exist any more."""

    user_sid: str
    request_id: str | None


class UserFailed(Event, frozen=True):
    """A user could not be read; the run goes on without that user's rows."""

    user_sid: str
    reason: str
    request_id: str | None


class PartWritten(Event, frozen=True):
    """Rows reached the disk and are safe from a kill."""

    users: int
    rows: int
    bytes: int


class UnknownFields(Event, frozen=True):
    """Answers hold fields that the schema has no column for."""

    names: tuple[str, ...]


class Compacting(Event, frozen=True):
    """Parts are being merged into the files that will be published."""

    rows_done: int
    rows: int


class DuplicatesDropped(Event, frozen=True):
    """Rows had come twice, because lists shift between pages; each is published once."""

    rows: int


class Publishing(Event, frozen=True):
    """Finished files are being put under the root."""

    files_done: int
    files: int


class ApplyBegan(Event, frozen=True):
    """A run begins, or goes on, to change things."""

    run_id: str
    epoch: int
    """1 at first, one more with every start."""
    rows: int
    rows_settled: int
    """By earlier starts of this run."""
    rows_in_doubt: int
    """Rows that may have been sent when the last start ended: they are read back first."""


class StageBegan(Event, frozen=True):
    """Some more rows are let through: first the canary, then the ramp, then the rest."""

    operation: str
    stage: str
    rows: int


class RowSettled(Event, frozen=True):
    """One row of a plan has its outcome."""

    plan_row_id: int
    outcome: str
    outcome_by: str | None
    reason: str | None
    request_id: str | None


class RowFailed(Event, frozen=True):
    """One row of a plan could not be brought to its target."""

    plan_row_id: int
    outcome: str
    reason: str | None
    request_id: str | None


class OutcomeUnknown(Event, frozen=True):
    """Nobody knows whether a write had its effect: its row will be read back."""

    plan_row_id: int
    reason: str
    request_id: str | None


class WritesHeld(Event, frozen=True):
    """No row is begun for now."""

    reason: str


class WritesGoOn(Event, frozen=True):
    """Rows are begun again."""

    seconds: float


class Message(Event, frozen=True):
    """A sentence for the person who watches the run."""

    text: str


Observer = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Observe nothing."""
