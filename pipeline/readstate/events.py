"""The events of a run, which observers count, log and show."""

from collections.abc import Callable, Mapping

import msgspec


class Event(msgspec.Struct, frozen=True):  # a dataclass takes four times as long to make, and there are two a request
    """The base of all events; an observer ignores those that it does not know."""


class RequestAnswered(Event, frozen=True):
    """One HTTP attempt ended with a response of any *status*."""

    method: str
    status: int
    seconds: float
    headers: Mapping[str, str]
    """Of the response. To look one up takes longer than all else about an event."""


class RequestLost(Event, frozen=True):
    """One HTTP attempt ended without a response."""

    method: str
    path: str
    reason: str
    sent: bool
    """False if no byte was sent, so that it certainly had no effect."""


class Retried(Event, frozen=True):
    """A request will be sent again."""

    method: str
    path: str
    reason: str
    attempt: int
    wait_seconds: float
    request_id: str | None


class RetriesExhausted(Event, frozen=True):
    """A request failed so often, or for so long, that it is no longer retried."""

    method: str
    path: str
    reason: str
    attempts: int
    request_id: str | None


class WindowFound(Event, frozen=True):
    """The first 429 has shown how many requests the account accepts at once."""

    window: float


class PauseBegan(Event, frozen=True):
    """Twilio asked for a pause: nothing is sent before it is over."""

    domain: str | None
    """The writes that pause; None if all requests do."""
    seconds: float


class OutageBegan(Event, frozen=True):
    """Every request fails: the circuit breaker is open, and one probe at a time tests whether to close it."""


class OutageEnded(Event, frozen=True):
    """Probes succeeded: the circuit breaker is closed, and requests are sent again."""

    seconds: float


class SharedPaceLost(Event, frozen=True):
    """The rate limit cannot be shared with the account's other processes; this one keeps its last share."""

    place: str
    reason: str


class SharedPaceFound(Event, frozen=True):
    """The processes of the account share one rate limit again."""

    place: str
    processes: int


class RetryBudgetSpent(Event, frozen=True):
    """So many requests fail that each retry now waits longest."""

    retry_share: float


class PageShrunk(Event, frozen=True):
    """A page that kept failing is requested with fewer rows."""

    path: str
    page_size: int


class PageReread(Event, frozen=True):
    """A page was read again, because rows of its list may have moved past the reader."""

    path: str


class RosterPageRead(Event, frozen=True):
    """A page of the roster was read."""

    service: str
    users: int


class RosterValueUnusable(Event, frozen=True):
    """A user of the roster has a value that cannot be used, and that is left empty; told once for each field."""

    service: str
    field: str
    example: str
    """The first such user, and what is wrong."""


class UsersForeseen(Event, frozen=True):
    """Users are known from the previous snapshot, before the roster is listed."""

    users: int


class PagesForeseen(Event, frozen=True):
    """How much there is to read, by the lengths of the lists in the previous snapshot."""

    pages: int
    """List pages of all users, those that earlier starts have read included."""
    pages_done: int
    """Those that earlier starts have read."""
    roster_pages: int
    """Pages of users still to be listed; 0 where this is not known."""


class RosterComplete(Event, frozen=True):
    """The roster is complete: all users of the run are known."""

    users: int


class RunResumed(Event, frozen=True):
    """An earlier, unfinished run is resumed."""

    run_id: str
    users_done: int
    users_left: int
    rows: int


class UserRead(Event, frozen=True):
    """All conversations of one user were read."""

    user_sid: str
    rows: int
    pages: int


class UserUnknown(Event, frozen=True):
    """Twilio does not know a user that *line* of a users file names."""

    user_sid: str
    """Or the identity."""
    line: int
    request_id: str | None = None


class UserVanished(Event, frozen=True):
    """A user of the roster no longer exists."""

    user_sid: str
    request_id: str | None


class UserFailed(Event, frozen=True):
    """A user could not be read; the run continues without that user's rows."""

    user_sid: str
    reason: str
    request_id: str | None


class PartWritten(Event, frozen=True):
    """Rows are on the disk and survive a crash."""

    users: int
    rows: int
    bytes: int


class UnknownFields(Event, frozen=True):
    """Responses hold fields that the schema has no column for."""

    names: tuple[str, ...]


class Compacting(Event, frozen=True):
    """Parts are being merged into the files that will be published."""

    rows_done: int
    rows: int


class DuplicatesDropped(Event, frozen=True):
    """Rows came twice, because lists shift between pages; each is published once."""

    rows: int


class ConversationsCounted(Event, frozen=True):
    """The snapshot's rows are of so many different conversations."""

    conversations: int


class Publishing(Event, frozen=True):
    """Finished files are being copied to the root."""

    files_done: int
    files: int


class ApplyBegan(Event, frozen=True):
    """A run starts, or resumes, to apply a plan."""

    run_id: str
    epoch: int
    """The number of this start: 1, and one more at every resume."""
    rows: int
    rows_settled: int
    """Rows that earlier starts of this run have finished."""
    rows_in_doubt: int
    """Rows that may have been sent before the last start ended: they are read back first."""


class StageBegan(Event, frozen=True):
    """More rows are admitted: first the canary, then the ramp, then the rest."""

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
    """One row of a plan could not be carried out."""

    plan_row_id: int
    outcome: str
    reason: str | None
    request_id: str | None


class OutcomeUnknown(Event, frozen=True):
    """It is unknown whether a write had its effect: its row will be read back."""

    plan_row_id: int
    reason: str
    request_id: str | None


class WritesHeld(Event, frozen=True):
    """No more rows are started for now."""

    reason: str


class WritesGoOn(Event, frozen=True):
    """Rows are started again."""

    seconds: float


class StillWaiting(Event, frozen=True):
    """Nothing has moved for a while."""

    seconds: float
    reasons: tuple[str, ...]
    """What the run waits for, as far as it knows."""


class AnswerAwaited(Event, frozen=True):
    """A person is asked, and the run waits for the answer."""

    question: str


class Message(Event, frozen=True):
    """A sentence for the person who watches the run."""

    text: str


Observer = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Ignore *event*."""
