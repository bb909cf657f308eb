"""Which requests are sent again, after how long, and how often: one policy, in tenacity's words.

429 was never processed and is always safe to repeat (Twilio, error 20429); it spends no attempt, because the pace
already answers for it. A read may be repeated after anything that can pass. A write is repeated only when it
certainly had no effect: everything else about it is unknown, and the caller reads back before deciding.
"""

from dataclasses import dataclass, field

from tenacity import AsyncRetrying, RetryCallState

from pipeline.clock import Clock
from pipeline.errors import NotSent, StoppedEarly, TransportError
from pipeline.events import Observer, Retried, RetryBudgetSpent, ignore
from pipeline.twilio.request import Request
from pipeline.twilio.response import Response
from pipeline.twilio.transport import Transport

_TRANSIENT = {408, 500, 502, 503, 504}
_LONGEST_WAIT = 20.0
_REFUSALS_THAT_STOP = 3


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How patient to be with one request, and with the whole run."""

    max_attempts: int = 6
    """Attempts that end in a failure; a 429 does not count."""
    max_seconds: float = 600.0
    """How long one request may go on failing."""
    retry_share: float = 0.2
    """Retries a run may spend for each first attempt, in the long run."""
    retry_reserve: float = 100.0
    """Retries a run may spend at once, before its share has been earned."""


@dataclass(slots=True)
class _Budget:
    """The retries that the whole run may still spend."""

    policy: RetryPolicy
    left: float = field(init=False)
    spent: bool = False

    def __post_init__(self) -> None:
        self.left = self.policy.retry_reserve

    def earn(self) -> None:
        self.left = min(self.policy.retry_reserve, self.left + self.policy.retry_share)

    def spend(self) -> bool:
        """Take one retry; False where the run has none left."""
        self.left = max(0.0, self.left - 1)
        return self.left > 0


class Retrying:
    """Sends through *inner* until the answer is final; gives that answer, or raises the last failure."""

    def __init__(self, inner: Transport, *, policy: RetryPolicy, clock: Clock, emit: Observer = ignore) -> None:
        self._inner = inner
        self._policy = policy
        self._clock = clock
        self._emit = emit
        self._budget = _Budget(policy)
        self._refused_in_a_row = 0

    async def send(self, request: Request) -> Response:
        """Send *request* as often as the policy allows.

        Raises the last `TransportError` where no answer came. A 401 is asked again twice: Twilio gives stray ones;
        after three different requests refused in a row, each further 401 is final at once.
        """
        self._budget.earn()
        # The first attempt goes without tenacity: almost every request ends here.
        try:
            response = await self._inner.send(request)
        except StoppedEarly:
            raise
        except TransportError as failure:
            first: Response | TransportError = failure
        else:
            first = response
        self._remember(first)
        if not self._may_pass(request, first):
            return _settled(first)
        return await self._again(request, first)

    async def _again(self, request: Request, first: Response | TransportError) -> Response:
        outcome = first
        failures = 0 if _throttled(first) else 1
        began = self._clock.monotonic()

        async def attempt() -> Response | TransportError:
            nonlocal failures
            try:
                result: Response | TransportError = await self._inner.send(request)
            except TransportError as failure:
                result = failure
            self._remember(result)
            failures += not _throttled(result)
            return result

        def wanted(state: RetryCallState) -> bool:
            assert state.outcome is not None
            if state.outcome.failed:
                return False  # StoppedEarly, cancellation, a bug: not ours to repeat
            result = state.outcome.result()
            return self._may_pass(request, result) and not exhausted(result)

        def exhausted(result: Response | TransportError) -> bool:
            if _throttled(result):
                return False
            tired = self._clock.monotonic() - began >= self._policy.max_seconds
            return tired or failures >= (_REFUSALS_THAT_STOP if _refused(result) else self._policy.max_attempts)

        def wait(state: RetryCallState) -> float:
            result = outcome if state.outcome is None else state.outcome.result()
            return self._wait_seconds(request, result, failures)

        if exhausted(first):
            return _settled(first)
        await self._clock.sleep(self._wait_seconds(request, first, failures))
        retrying = AsyncRetrying(
            sleep=self._clock.sleep,
            retry=wanted,
            wait=wait,
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else first,
        )
        return _settled(await retrying(attempt))

    def _may_pass(self, request: Request, result: Response | TransportError) -> bool:
        """Whether sending *request* again can end better, and cannot do harm."""
        if isinstance(result, TransportError):
            return isinstance(result, NotSent) or request.method == "GET"
        if result.status == 429:
            return True
        if result.status == 401:
            return self._refused_in_a_row < _REFUSALS_THAT_STOP
        return request.method == "GET" and (result.status in _TRANSIENT or _garbled(result))

    def _remember(self, result: Response | TransportError) -> None:
        if isinstance(result, Response):
            self._refused_in_a_row = self._refused_in_a_row + 1 if result.status == 401 else 0

    def _wait_seconds(self, request: Request, result: Response | TransportError, failures: int) -> float:
        if isinstance(result, Response) and result.status == 429:
            # The pace holds everybody back; this only keeps the refused from returning as one wave.
            asked = result.retry_after_seconds(self._clock.now()) or 0.0
            seconds = max(asked, 0.05 + 0.5 * self._clock.random())
        else:
            seconds = min(_LONGEST_WAIT, 2.0 ** (failures - 1)) * self._clock.random()
            if not self._budget.spend():
                # In a closed loop retries cannot pile up: nothing is given up, but what fails waits longest.
                seconds = _LONGEST_WAIT * (0.5 + 0.5 * self._clock.random())
                if not self._budget.spent:
                    self._budget.spent = True
                    self._emit(RetryBudgetSpent(self._policy.retry_share))
        request_id = result.request_id if isinstance(result, Response) else None
        self._emit(Retried(request.method, request.path, _reason(result), failures, seconds, request_id))
        return seconds


def _settled(result: Response | TransportError) -> Response:
    if isinstance(result, TransportError):
        raise result
    return result


def _throttled(result: Response | TransportError) -> bool:
    return isinstance(result, Response) and result.status == 429


def _refused(result: Response | TransportError) -> bool:
    return isinstance(result, Response) and result.status == 401


def _garbled(response: Response) -> bool:
    """A success whose body is no JSON object: a gateway's page, or one cut off."""
    return response.ok and not (response.body.lstrip()[:1] == b"{" and response.body.rstrip()[-1:] == b"}")


def _reason(result: Response | TransportError) -> str:
    if isinstance(result, Response):
        return f"status {result.status}" + (" with an unusable body" if result.ok else "")
    return type(result).__name__
