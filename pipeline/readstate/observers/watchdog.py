"""What a run waits for when nothing moves: said after a minute, then ever more rarely. Pure."""

from collections.abc import Iterator, Sequence

from readstate import events
from readstate.events import Event, StillWaiting
from readstate.text import format_duration, pluralize
from readstate.twilio.pacing.limiter import LimiterView

QUIET_SECONDS = 60.0
_BUSY_SECONDS = 5.0
"""Asked so much later than usual, the event loop was busy: the run computed, and did not wait."""

_NO_PROGRESS = (
    events.Message, events.OutageBegan, events.PauseBegan, events.RetriesExhausted, events.RetryBudgetSpent,
    events.SharedPaceFound, events.SharedPaceLost, events.StillWaiting, events.WindowFound,
)  # fmt: skip


class Watchdog:
    """Remembers when a run last moved, and what has kept it since."""

    def __init__(self, now: float) -> None:
        self._awaits_answer = False
        self._held = ""
        self._asked_at = now
        self._moved_at = now
        self._silence = QUIET_SECONDS
        self._refused = 0
        self._failure = ""
        self._retry_at = now

    def observe(self, event: Event, now: float) -> None:
        """Take note of *event*, which came at the moment *now*, in seconds of a clock that never goes back."""
        self._awaits_answer = type(event) is events.AnswerAwaited
        match event:  # the two that come with every request first
            case events.RequestAnswered():
                self._answered(event.status, now)
            case events.UserRead():
                self._move(now)
            case events.RequestLost(reason=reason):
                self._failure = reason
            case events.Retried(wait_seconds=seconds):
                self._retry_at = max(self._retry_at, now + seconds)
            case events.WritesHeld(reason=reason):
                self._held = reason
            case events.WritesGoOn():
                self._held = ""
                self._move(now)
            case _ if not isinstance(event, _NO_PROGRESS):
                self._move(now)

    def due(self, now: float, limiter: LimiterView | None, threads: Sequence[str]) -> StillWaiting | None:
        """Return what to say at the moment *now*, if anything; to be asked every second or more often.

        *threads* are the functions that run on threads.
        """
        if now - self._asked_at > _BUSY_SECONDS:
            self._move(now)
        self._asked_at = now
        seconds = now - self._moved_at
        if self._awaits_answer or seconds < self._silence:
            return None
        self._silence = 2 * seconds
        reasons = (*self._remote(now, limiter), *(f"this machine, in {name}" for name in threads))
        return StillWaiting(seconds, reasons or ("an unknown cause",))

    def _answered(self, status: int, now: float) -> None:
        if status == 429:
            self._refused += 1
        elif status >= 500:
            self._failure = f"status {status}"
        else:
            self._move(now)

    def _move(self, now: float) -> None:
        self._moved_at = now
        self._silence = QUIET_SECONDS
        self._refused = 0
        self._failure = ""
        self._retry_at = now

    def _remote(self, now: float, limiter: LimiterView | None) -> Iterator[str]:
        why = f" ({self._failure})" if self._failure else ""
        if limiter is not None and limiter.outage_seconds:
            yield f"Twilio, where no request has succeeded for {format_duration(limiter.outage_seconds)}{why}"
        elif self._retry_at > now:
            yield f"another attempt in {format_duration(self._retry_at - now)}{why}"
        if self._refused:
            yield f"the account's rate limit ({pluralize(self._refused, 'answer')} with 429)"
        if limiter is not None and limiter.pause_seconds:
            yield f"the end of a pause that Twilio asked for, in {format_duration(limiter.pause_seconds)}"
        if limiter is not None and limiter.in_flight:
            yield f"answers to {pluralize(limiter.in_flight, 'request')}"
        if limiter is not None and limiter.waiting:
            yield f"the rate limit, before {pluralize(limiter.waiting, 'request')}"
        if self._held:
            yield f"held rows: {self._held}"
