"""Which request is sent next: one queue for each domain, urgent requests first, at the times the limiter allows."""

import asyncio
import math
from collections import deque

from readstate.clock import Clock
from readstate.twilio.pacing.limiter import AdaptiveLimiter, Sent


class _Waiter:
    """A request in a queue."""

    __slots__ = ("admitted", "is_asleep")

    def __init__(self) -> None:
        self.admitted: asyncio.Future[Sent | None] = asyncio.get_running_loop().create_future()
        """Its result is the admission, or None: this waiter is first now, and has to sleep until it is time."""
        self.is_asleep = False


class _Queue:
    """First in, first out; the urgent before the others."""

    __slots__ = ("_others", "_urgent")

    def __init__(self) -> None:
        self._urgent: deque[_Waiter] = deque()
        self._others: deque[_Waiter] = deque()

    @property
    def first(self) -> _Waiter | None:
        return self._urgent[0] if self._urgent else self._others[0] if self._others else None

    def push(self, waiter: _Waiter, *, is_urgent: bool) -> None:
        (self._urgent if is_urgent else self._others).append(waiter)

    def pop(self) -> _Waiter:
        return (self._urgent or self._others).popleft()

    def remove(self, waiter: _Waiter) -> None:
        (self._urgent if waiter in self._urgent else self._others).remove(waiter)


class RequestQueue:
    """Admits requests in order; the limiter says how many and when.

    There is no timer task: the first waiter of a queue sleeps until its time, and admits those behind it.
    """

    def __init__(self, limiter: AdaptiveLimiter, clock: Clock) -> None:
        self._limiter = limiter
        self._clock = clock
        self._queues: dict[str | None, _Queue] = {}

    def admit(self, domain: str | None) -> Sent | None:
        """Admit a request of *domain*; None where it has to wait."""
        now = self._clock.monotonic()
        queue = self._queues.get(domain)
        if (queue is None or queue.first is None) and self._limiter.ready_at(now, domain) <= now:
            return self._limiter.sent(now, domain)
        return None

    async def wait(self, domain: str | None, *, is_urgent: bool) -> Sent:
        """Wait until a request of *domain* may be sent. A cancelled waiter returns an admission it was given."""
        queue = self._queues.get(domain) or self._add_queue(domain)
        waiter = _Waiter()
        queue.push(waiter, is_urgent=is_urgent)
        self._limiter.waiting += 1
        try:
            return await self._admission(waiter, domain)
        except BaseException:
            self._remove(queue, waiter)
            raise
        finally:
            self._limiter.waiting -= 1

    def dispatch(self, now: float) -> None:
        """Admit all requests that the limiter allows now: a response came, or it is time."""
        for domain, queue in self._queues.items():
            # A first waiter that sleeps, or is about to, dispatches by itself when it wakes.
            while (first := queue.first) is not None and not first.is_asleep and not first.admitted.done():
                time = self._limiter.ready_at(now, domain)
                if time <= now:
                    queue.pop().admitted.set_result(self._limiter.sent(now, domain))
                else:
                    if time < math.inf:
                        first.admitted.set_result(None)
                    break

    def _add_queue(self, domain: str | None) -> _Queue:
        # Writes are dispatched before reads: what was read for a write grows old while that write waits.
        queue = _Queue()
        self._queues = {**self._queues, None: queue} if domain is None else {domain: queue, **self._queues}
        return queue

    async def _admission(self, waiter: _Waiter, domain: str | None) -> Sent:
        if self._queues[domain].first is waiter:
            self.dispatch(self._clock.monotonic())
        while (sent := await waiter.admitted) is None:
            # This waiter is first and has to sleep. Its future is used up, so it needs another one to be admitted by.
            # Whatever changes meanwhile (an urgent waiter becomes first, a writer takes the slot), it dispatches
            # when it wakes, and either is admitted or goes back to waiting for a response.
            waiter.admitted = asyncio.get_running_loop().create_future()
            now = self._clock.monotonic()
            time = self._limiter.ready_at(now, domain)
            if time < math.inf:
                waiter.is_asleep = True
                await self._clock.sleep(time - now)
                waiter.is_asleep = False
            self.dispatch(self._clock.monotonic())
        return sent

    def _remove(self, queue: _Queue, waiter: _Waiter) -> None:
        now = self._clock.monotonic()
        admitted = waiter.admitted
        sent = admitted.result() if admitted.done() and not admitted.cancelled() else None
        if sent is None:
            queue.remove(waiter)
        else:
            # Admitted and cancelled in the same moment: the request will not be sent.
            self._limiter.cancelled(now, sent)
        self.dispatch(now)
