"""Which requests are sent again, after how long, and how often: one policy, in tenacity's words.

429 was never processed and is always safe to repeat (Twilio, error 20429); it spends no attempt, because the pace
already answers for it. A read may be repeated after anything that can pass. A write is repeated only when it
certainly had no effect: everything else about it is unknown, and the caller reads back before deciding.
"""

from dataclasses import dataclass

from tenacity import AsyncRetrying

from readstate.clock import Clock
from readstate.errors import NotPermitted, NotSent, TransportError, UnusableAnswer
from readstate.events import Observer, Retried, RetriesExhausted, RetryBudgetSpent, ignore
from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response
from readstate.twilio.http.transport import Transport

_TRANSIENT = {408, 500, 502, 503, 504}
_LONGEST_WAIT = 20.0
_LONGEST_RETRY_AFTER = 300.0
_REFUSALS_THAT_STOP = 3

_Outcome = Response | TransportError


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How patient to be with one request, and with the whole run."""

    max_attempts: int = 6
    """Attempts that end in a failure; a 429 does not count."""
    max_seconds: float = 600.0
    """How long one request may go on failing, from its first failure; a 429 is none."""
    retry_share: float = 0.2
    """Retries a run may spend for each request, in the long run."""
    retry_reserve: float = 100.0
    """Retries a run may spend at once, before its share has been earned."""


class Retrying:
    """Sends through *inner* until the answer is final; gives that answer, or raises the last failure."""

    def __init__(self, inner: Transport, *, policy: RetryPolicy, clock: Clock, emit: Observer = ignore) -> None:
        self._inner = inner
        self._policy = policy
        self._clock = clock
        self._emit = emit
        self._budget = _Budget(policy)
        self._refused: set[Request] = set()

    async def send(self, request: Request) -> Response:
        """Send *request* as often as the policy allows.

        Raises the last `TransportError` where no answer came. A 401 is asked again twice, because Twilio gives
        stray ones; raises `NotPermitted` once three different requests were refused in a row.
        """
        self._budget.earn()
        # Almost every request ends at its first attempt: that one goes without tenacity, which costs more than it.
        outcome = await self._attempt(request)
        if self._may_end_better(request, outcome):
            outcome = await self._insist(request, outcome)
        if isinstance(outcome, TransportError):
            raise outcome
        return outcome

    async def _insist(self, request: Request, first: _Outcome) -> _Outcome:
        """Repeat *request*, whose attempt number one gave *first*, until it ends well or patience ends."""
        struggle = _Struggle(request, first)
        retrying = AsyncRetrying(
            retry=lambda _: self._may_end_better(request, struggle.outcome),
            stop=lambda _: self._is_exhausted(struggle),
            wait=lambda _: self._wait_seconds(struggle),
            before_sleep=lambda state: self._tell_retry(struggle, state.upcoming_sleep),
            retry_error_callback=lambda _: self._tell_exhausted(struggle),
            sleep=self._clock.sleep,
        )
        async for attempt in retrying:
            if attempt.retry_state.attempt_number > 1:
                struggle.outcome = await self._attempt(request)
            struggle.count(self._clock.monotonic())
            attempt.retry_state.set_result(struggle.outcome)
        return struggle.outcome

    async def _attempt(self, request: Request) -> _Outcome:
        try:
            response = await self._inner.send(request)
        except TransportError as failure:
            return failure
        if response.ok:
            self._refused.clear()
        elif response.status == 401:
            self._remember_refusal(request, response)
        return response

    def _remember_refusal(self, request: Request, response: Response) -> None:
        self._refused.add(request)
        if len(self._refused) >= _REFUSALS_THAT_STOP:
            raise NotPermitted(
                f"{len(self._refused)} different requests were refused in a row: {response.error(request).message}",
                hint="Check the key and its permissions with: readstate doctor",
            )

    def _may_end_better(self, request: Request, outcome: _Outcome) -> bool:
        """Whether sending *request* again can help, and cannot do harm."""
        is_read = request.method == "GET"
        if isinstance(outcome, TransportError):
            return isinstance(outcome, NotSent) or (is_read and not isinstance(outcome, UnusableAnswer))
        if outcome.status in {401, 429}:
            return True
        return is_read and (outcome.status in _TRANSIENT or _is_garbled(outcome))

    def _is_exhausted(self, struggle: "_Struggle") -> bool:
        if struggle.is_throttled:
            return False
        most = _REFUSALS_THAT_STOP if _has_status(struggle.outcome, 401) else self._policy.max_attempts
        seconds = self._clock.monotonic() - struggle.failing_since
        return struggle.failures >= most or seconds >= self._policy.max_seconds

    def _wait_seconds(self, struggle: "_Struggle") -> float:
        chance = self._clock.random()
        outcome = struggle.outcome
        if isinstance(outcome, Response) and outcome.status == 429:
            # The pace holds everybody back; this only keeps the refused from returning as one wave.
            asked = outcome.retry_after_seconds(self._clock.now()) or 0.0
            return max(min(asked, _LONGEST_RETRY_AFTER), 0.05 + 0.5 * chance)
        if self._budget.is_empty:
            # In a closed loop retries cannot pile up: nothing is given up, but what fails waits longest.
            return _LONGEST_WAIT * (0.5 + 0.5 * chance)
        if struggle.failures == 1 and isinstance(outcome, TransportError):
            return 0.05 + 0.05 * chance  # a kept-alive connection that had died: a new one is likely to do
        return min(_LONGEST_WAIT, 2.0 ** (struggle.failures - 1)) * chance

    def _tell_retry(self, struggle: "_Struggle", seconds: float) -> None:
        if not struggle.is_throttled and self._budget.spend():
            self._emit(RetryBudgetSpent(self._policy.retry_share))
        request, outcome = struggle.request, struggle.outcome
        attempts = struggle.failures
        reason = _reason(request, outcome)
        self._emit(Retried(request.method, request.path, reason, attempts, seconds, _request_id(outcome)))

    def _tell_exhausted(self, struggle: "_Struggle") -> None:
        request, outcome = struggle.request, struggle.outcome
        reason = _reason(request, outcome)
        self._emit(RetriesExhausted(request.method, request.path, reason, struggle.failures, _request_id(outcome)))


@dataclass(slots=True)
class _Struggle:
    """One request that does not get through: how its last attempt ended, how often and since when it fails."""

    request: Request
    outcome: _Outcome
    failures: int = 0
    failing_since: float = 0.0

    @property
    def is_throttled(self) -> bool:
        return _has_status(self.outcome, 429)

    def count(self, now: float) -> None:
        if self.is_throttled:
            return
        if self.failures == 0:
            self.failing_since = now
        self.failures += 1


class _Budget:
    """The retries that the whole run may still spend."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._left = policy.retry_reserve
        self._was_empty = False

    @property
    def is_empty(self) -> bool:
        return self._left < 1

    def earn(self) -> None:
        self._left = min(self._policy.retry_reserve, self._left + self._policy.retry_share)

    def spend(self) -> bool:
        """Take one retry; True where that was the last one, the first time that happens."""
        self._left = max(0.0, self._left - 1)
        news = self.is_empty and not self._was_empty
        self._was_empty = self._was_empty or self.is_empty
        return news


def _has_status(outcome: _Outcome, status: int) -> bool:
    return isinstance(outcome, Response) and outcome.status == status


def _is_garbled(response: Response) -> bool:
    """A success whose body is no JSON object: a gateway's page, or one cut off."""
    return response.ok and not (response.body.lstrip()[:1] == b"{" and response.body.rstrip()[-1:] == b"}")


def _request_id(outcome: _Outcome) -> str | None:
    return outcome.request_id if isinstance(outcome, Response) else None


def _reason(request: Request, outcome: _Outcome) -> str:
    if isinstance(outcome, Response):
        return f"status {outcome.status}" + (" with an unusable body" if outcome.ok else "")
    return outcome.message.removeprefix(f"{request.method} {request.path}: ")
