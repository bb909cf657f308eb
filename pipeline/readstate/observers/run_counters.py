"""Counters of a run's events; every display reads the same ones."""

from collections import Counter
from typing import Literal

from msgspec import Struct, field

from readstate.events import (
    ApplyBegan,
    Compacting,
    ConversationsCounted,
    DuplicatesDropped,
    Event,
    PageReread,
    PagesForeseen,
    PartWritten,
    Publishing,
    RequestAnswered,
    RequestLost,
    Retried,
    RetriesExhausted,
    RosterComplete,
    RosterPageRead,
    RowSettled,
    RunResumed,
    UserFailed,
    UserRead,
    UsersForeseen,
    UserUnknown,
    UserVanished,
)

Stage = Literal["reading", "compacting", "publishing", "applying"]


class RunCounters(Struct):
    """Counters of this start of a run; `users_done_before` and `rows_before` come from its earlier starts."""

    requests_by_status: dict[int, int] = field(default_factory=dict)
    requests_lost: int = 0
    """Attempts without an answer."""
    retries: int = 0
    retries_exhausted: int = 0
    pages_reread: int = 0
    last_error: str = ""
    """Why the latest retry was needed; empty again after a success."""

    users_listed: int = 0
    roster_is_complete: bool = False
    users_read: int = 0
    users_vanished: int = 0
    users_unknown: int = 0
    users_failed: int = 0
    users_done_before: int = 0

    pages: int = 0
    """List pages of the users that this start has finished; at least one a user."""
    pages_before: int = 0
    pages_foreseen: int = 0
    """List pages of all users, by the previous snapshot; 0 where there is none."""
    roster_pages: int = 0
    roster_pages_foreseen: int = 0

    rows: int = 0
    rows_before: int = 0
    conversations: int = 0
    """Different ones among the rows, known once all parts are merged."""
    duplicates: int = 0
    """Rows that Twilio sent twice, known once all parts are merged."""
    part_bytes: int = 0
    """Written to the disk as parts."""

    stage: Stage = "reading"
    stage_done: int = 0
    stage_all: int = 0
    """Rows while compacting and applying, files while publishing."""
    outcomes: Counter[str] = field(default_factory=Counter)
    """Rows of a plan that this start has finished, by outcome."""

    def observe(self, event: Event) -> None:
        """Count *event*."""
        # Called for every request, user and row: the frequent events are matched first.
        match event:
            case RequestAnswered():
                status = event.status
                self.requests_by_status[status] = self.requests_by_status.get(status, 0) + 1
                if self.last_error and _is_accepted(status):
                    self.last_error = ""
            case UserRead():
                self.users_read += 1
                self.pages += max(1, event.pages)
                self.rows += event.rows
            case RowSettled():
                self.stage_done += 1
                self.outcomes[event.outcome] += 1
            case Retried():
                self.retries += 1
                self.last_error = event.reason
            case _:
                self._observe_rarer(event)

    def _observe_rarer(self, event: Event) -> None:
        match event:
            case RequestLost():
                self.requests_lost += 1
            case RetriesExhausted():
                self.retries_exhausted += 1
            case PageReread():
                self.pages_reread += 1
            case UserVanished():
                self.users_vanished += 1
                self.pages += 1
            case UserUnknown():
                self.users_unknown += 1
                self.pages += 1
            case UserFailed():
                self.users_failed += 1
                self.pages += 1
            case PartWritten():
                self.part_bytes += event.bytes
            case _:
                self._observe_progress(event)

    def _observe_progress(self, event: Event) -> None:
        match event:
            case RosterPageRead():
                self.users_listed += event.users
                self.roster_pages += 1
            case UsersForeseen():
                self.users_listed += event.users
            case PagesForeseen():
                self.pages_foreseen, self.pages_before = event.pages, event.pages_done
                self.roster_pages_foreseen = event.roster_pages
            case RosterComplete():
                self.users_listed = event.users
                self.roster_is_complete = True
            case RunResumed():
                self.users_listed += event.users_done + event.users_left
                self.users_done_before += event.users_done
                self.rows_before += event.rows
            case ConversationsCounted():
                self.conversations = event.conversations
            case DuplicatesDropped():
                self.duplicates += event.rows
            case Compacting():
                self.stage, self.stage_done, self.stage_all = "compacting", event.rows_done, event.rows
            case Publishing():
                self.stage, self.stage_done, self.stage_all = "publishing", event.files_done, event.files
            case ApplyBegan():
                self.stage, self.stage_done, self.stage_all = "applying", event.rows_settled, event.rows

    @property
    def requests(self) -> int:
        """Attempts, with and without an answer."""
        return sum(self.requests_by_status.values()) + self.requests_lost

    @property
    def accepted(self) -> int:
        """Answers other than 429 and 5xx."""
        return sum(count for status, count in self.requests_by_status.items() if _is_accepted(status))

    @property
    def throttled(self) -> int:
        """Answers with status 429."""
        return self.requests_by_status.get(429, 0)

    @property
    def all_rows(self) -> int:
        """Rows of all starts of the run."""
        return self.rows_before + self.rows

    @property
    def users_done(self) -> int:
        """Users that all starts of the run have finished."""
        return self.users_done_before + self._users_done_now

    @property
    def done_now(self) -> int:
        """What this start has finished, whatever the result: pages where they are foreseen, else users; or rows."""
        return (self.pages if self.pages_foreseen else self._users_done_now) + self.outcomes.total()

    @property
    def done(self) -> int:
        """What all starts have finished of the current stage: pages or users, rows, files."""
        if self.stage != "reading":
            return self.stage_done
        return self.pages_before + self.pages if self.pages_foreseen else self.users_done

    @property
    def left(self) -> int | None:
        """What the current stage has left to do, in the unit of *done*; None while nothing tells it."""
        if self.stage != "reading":
            return self.stage_all - self.stage_done
        users = self.users_listed - self.users_done
        if self.pages_foreseen and (users or not self.roster_is_complete):
            # Where lists have grown since then: a user who is left has at least one page.
            return max(users, self.pages_foreseen - self.done)
        return users if self.roster_is_complete else None

    @property
    def roster_pages_left(self) -> int:
        """Pages of users still to be listed, as far as foreseen."""
        return 0 if self.roster_is_complete else max(0, self.roster_pages_foreseen - self.roster_pages)

    @property
    def _users_done_now(self) -> int:
        return self.users_read + self.users_vanished + self.users_unknown + self.users_failed


def _is_accepted(status: int) -> bool:
    return status < 500 and status != 429
