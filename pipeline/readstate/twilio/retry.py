"""Which requests are sent again, after how long, and how often: one policy, on tenacity.

A 429 never arrives here: the throttle waits it out. A read may be repeated after anything that can pass. A write is
repeated only when it certainly had no effect: everything else about it is unknown, and the caller reads back before
deciding. A page of a list that keeps failing is asked for with fewer rows, within the same attempts.
"""

from typing import TYPE_CHECKING

from msgspec import Struct

from readstate.clock import Clock
from readstate.errors import NotPermitted, NotSent, TransportError, Unanswered, UnusableAnswer
from readstate.events import Observer, PageShrunk, Retried, RetriesExhausted, RetryBudgetSpent, ignore
from readstate.twilio.http.own_answer import require_own
from readstate.twilio.http.paging import smaller_page
from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response
from readstate.twilio.transport.transport import Transport

if TYPE_CHECKING:
    from tenacity import RetryCallState

_TRANSIENT = {408, 500, 502, 503, 504}
_LONGEST_WAIT = 20.0
_REFUSALS_THAT_STOP = 3
_FAILURES_BEFORE_SMALLER_PAGES = 3

_Outcome = Response | TransportError


class RetryPolicy(Struct, frozen=True):
    """How often and for how long to retry one request, and how many retries the whole run may spend."""

    max_attempts: int = 6
    max_seconds: float = 600.0
    """How long one request may go on failing, from its first failure."""
    retry_share: float = 0.2
    """Retries a run may spend for each request, in the long run."""
    retry_reserve: float = 100.0
    """Retries a run may spend at once, before its share has been earned."""


class Retrying:
    """Sends through *inner* until the response is final; returns that response, or raises the last failure."""

    def __init__(self, inner: Transport, *, policy: RetryPolicy, clock: Clock, emit: Observer = ignore) -> None:
        self._inner = inner
        self._policy = policy
        self._clock = clock
        self._emit = emit
        self._budget = _Budget(policy)
        self._unauthorized: set[Request] = set()

    async def send(self, request: Request) -> Response:
        """Send *request* as often as the policy allows.

        Raises the last `TransportError` where no response came. A 401 is retried twice, because Twilio gives
        stray ones; raises `NotPermitted` once three different requests were refused in a row.
        """
        self._budget.earn()
        # Almost every request succeeds at its first attempt: that one goes without tenacity, which takes 25 µs.
        outcome = await self._attempt(request)
        if _is_retryable(request, outcome):
            outcome = await self._retry(request, outcome)
        if isinstance(outcome, Response):
            return outcome
        try:
            raise outcome
        finally:
            del outcome  # else its traceback, which holds this frame, would keep it and its response in memory

    async def _retry(self, request: Request, first: _Outcome) -> _Outcome:
        """Repeat *request*, whose first attempt ended with *first*, until it succeeds or its attempts are used up."""
        from tenacity import AsyncRetrying, retry_if_result  # noqa: PLC0415 - few runs have to repeat anything

        attempts = _Attempts(request, first, failing_since=self._clock.monotonic())
        retrying = AsyncRetrying(
            retry=retry_if_result(lambda outcome: _is_retryable(attempts.request, outcome)),
            stop=lambda state: self._is_exhausted(attempts, state),
            wait=self._wait_seconds,
            before_sleep=lambda state: self._on_retry(attempts, state),
            retry_error_callback=lambda state: self._on_exhausted(attempts, state),
            sleep=self._clock.sleep,
        )
        outcome: _Outcome = await retrying(self._next_outcome, attempts)
        return outcome

    async def _next_outcome(self, attempts: "_Attempts") -> _Outcome:
        first, attempts.first = attempts.first, None
        return first if first is not None else await self._attempt(attempts.request)

    async def _attempt(self, request: Request) -> _Outcome:
        try:
            response = await self._inner.send(request)
            require_own(request, response)
        except TransportError as failure:
            return failure
        if response.ok:
            self._unauthorized.clear()
        elif response.status == 401:
            self._count_unauthorized(request, response)
        return response

    def _count_unauthorized(self, request: Request, response: Response) -> None:
        self._unauthorized.add(request)
        if (number := len(self._unauthorized)) >= _REFUSALS_THAT_STOP:
            raise NotPermitted(
                f"{number} different requests were refused in a row: {response.error(request).message}",
                hint="Check the key and its permissions with: readstate doctor",
            )

    def _is_exhausted(self, attempts: "_Attempts", state: "RetryCallState") -> bool:
        outcome = _outcome(state)
        is_refusal = isinstance(outcome, Response) and outcome.status == 401
        most = _REFUSALS_THAT_STOP if is_refusal else self._policy.max_attempts
        seconds = self._clock.monotonic() - attempts.failing_since
        return state.attempt_number >= most or seconds >= self._policy.max_seconds

    def _wait_seconds(self, state: "RetryCallState") -> float:
        chance = self._clock.random()
        if self._budget.is_empty:
            # The number of workers is fixed, so retries cannot pile up: none is given up, but each waits longest.
            return _LONGEST_WAIT * (0.5 + 0.5 * chance)
        if state.attempt_number == 1 and isinstance(_outcome(state), TransportError):
            return 0.05 + 0.05 * chance  # a kept-alive connection that had died: a new one is likely to work
        return min(_LONGEST_WAIT, 2.0 ** (state.attempt_number - 1)) * chance

    def _on_retry(self, attempts: "_Attempts", state: "RetryCallState") -> None:
        if self._budget.spend():
            self._emit(RetryBudgetSpent(self._policy.retry_share))
        request, outcome, failures = attempts.request, _outcome(state), state.attempt_number
        reason, request_id = _reason(request, outcome)
        self._emit(Retried(request.method, request.path, reason, failures, state.upcoming_sleep, request_id))
        self._shrink_page(attempts, outcome, failures)

    def _shrink_page(self, attempts: "_Attempts", outcome: _Outcome, failures: int) -> None:
        if failures < min(_FAILURES_BEFORE_SMALLER_PAGES, self._policy.max_attempts // 2):
            return
        if _is_server_trouble(outcome) and (smaller := smaller_page(attempts.request)) is not None:
            attempts.request, size = smaller
            self._emit(PageShrunk(attempts.request.path, size))

    def _on_exhausted(self, attempts: "_Attempts", state: "RetryCallState") -> _Outcome:
        request, outcome, failures = attempts.request, _outcome(state), state.attempt_number
        reason, request_id = _reason(request, outcome)
        self._emit(RetriesExhausted(request.method, request.path, reason, failures, request_id))
        return outcome


class _Attempts(Struct):
    """One request that keeps failing."""

    request: Request
    """As it is sent next."""
    first: _Outcome | None
    """How the attempt ended that was made before retrying began; None once that was taken into account."""
    failing_since: float


class _Budget:
    """The retries that the whole run may still spend: a token bucket filled by requests."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._tokens = policy.retry_reserve
        self._was_empty = False

    @property
    def is_empty(self) -> bool:
        return self._tokens < 1

    def earn(self) -> None:
        self._tokens = min(self._policy.retry_reserve, self._tokens + self._policy.retry_share)

    def spend(self) -> bool:
        """Spend one retry; return whether the budget became empty for the first time."""
        self._tokens = max(0.0, self._tokens - 1)
        is_first = self.is_empty and not self._was_empty
        self._was_empty = self._was_empty or self.is_empty
        return is_first


def _is_retryable(request: Request, outcome: _Outcome) -> bool:
    """Return whether sending *request* again can help, and cannot do harm."""
    is_read = request.method == "GET"
    if not isinstance(outcome, Response):
        return isinstance(outcome, NotSent) or (is_read and not isinstance(outcome, UnusableAnswer))
    if outcome.ok:
        return is_read and not _is_object(outcome.body)
    return outcome.status == 401 or (is_read and outcome.status in _TRANSIENT)


def _outcome(state: "RetryCallState") -> _Outcome:
    assert state.outcome is not None
    outcome: _Outcome = state.outcome.result()
    return outcome


def _is_server_trouble(outcome: _Outcome) -> bool:
    return isinstance(outcome, Unanswered) or (isinstance(outcome, Response) and outcome.status >= 500)


def _is_object(body: bytes) -> bool:
    """Return whether *body* is a JSON object, by its ends: no gateway's page, and not cut off."""
    return body.lstrip().startswith(b"{") and body.rstrip().endswith(b"}")


def _reason(request: Request, outcome: _Outcome) -> tuple[str, str | None]:
    """Return why *request* has to be sent again, and the id of the response if one came."""
    if isinstance(outcome, Response):
        return f"status {outcome.status}" + (" with an unusable body" if outcome.ok else ""), outcome.request_id
    return outcome.message.removeprefix(f"{request.method} {request.path}: "), None
