"""Waiting for one's turn: a line for each domain, the urgent first, then as they came, at the times of the limiter."""

import asyncio
import math
from collections import deque

from readstate.clock import Clock
from readstate.twilio.pacing.limiter import AdaptiveLimiter, Sent


class _Turn:
    """One waiter's place in its line."""

    __slots__ = ("called", "is_asleep")

    def __init__(self) -> None:
        self.called: asyncio.Future[Sent | None] = asyncio.get_running_loop().create_future()
        """Done with what was granted, or with None: you are first, sleep until it is time."""
        self.is_asleep = False


class _Line:
    """Who waits for the same: the urgent before the others, each as they came."""

    __slots__ = ("_others", "_urgent")

    def __init__(self) -> None:
        self._urgent: deque[_Turn] = deque()
        self._others: deque[_Turn] = deque()

    @property
    def first(self) -> _Turn | None:
        """Whose turn it is."""
        return self._urgent[0] if self._urgent else self._others[0] if self._others else None

    def join(self, turn: _Turn, *, is_urgent: bool) -> None:
        (self._urgent if is_urgent else self._others).append(turn)

    def call_first(self, sent: Sent) -> None:
        (self._urgent or self._others).popleft().called.set_result(sent)

    def leave(self, turn: _Turn) -> None:
        (self._urgent if turn in self._urgent else self._others).remove(turn)


class RequestQueue:
    """Hands out what *limiter* grants. The first of a line keeps the time for those behind it, so there is no timer."""

    def __init__(self, limiter: AdaptiveLimiter, clock: Clock) -> None:
        self._pace = limiter
        self._clock = clock
        self._lines: dict[str | None, _Line] = {}

    async def take(self, domain: str | None, *, is_urgent: bool) -> Sent:
        """Wait until a request of *domain* may be sent. A waiter that is cancelled gives back what it was granted."""
        now = self._clock.monotonic()
        line = self._lines.get(domain)
        if (line is None or line.first is None) and self._pace.ready_at(now, domain) <= now:
            return self._pace.sent(now, domain)
        if line is None:
            line = self._begin_line(domain)
        turn = _Turn()
        line.join(turn, is_urgent=is_urgent)
        self._pace.waiting += 1
        try:
            return await self._wait(turn, domain)
        except BaseException:
            self._leave(line, turn)
            raise
        finally:
            self._pace.waiting -= 1

    def serve(self, now: float) -> None:
        """Grant all that can be granted: something was answered, or it is time."""
        for domain, line in self._lines.items():
            # Who sleeps, or was just told to, looks for itself on waking.
            while (first := line.first) is not None and not first.is_asleep and not first.called.done():
                time = self._pace.ready_at(now, domain)
                if time <= now:
                    line.call_first(self._pace.sent(now, domain))
                else:
                    if time < math.inf:
                        first.called.set_result(None)
                    break

    def _begin_line(self, domain: str | None) -> _Line:
        # Writes are served before reads: what was read for a write grows old while that write waits.
        line = _Line()
        self._lines = {**self._lines, None: line} if domain is None else {domain: line, **self._lines}
        return line

    async def _wait(self, turn: _Turn, domain: str | None) -> Sent:
        if self._lines[domain].first is turn:
            self.serve(self._clock.monotonic())
        while (sent := await turn.called) is None:
            turn.called = asyncio.get_running_loop().create_future()
            now = self._clock.monotonic()
            time = self._pace.ready_at(now, domain)
            if time < math.inf:
                turn.is_asleep = True
                await self._clock.sleep(time - now)
                turn.is_asleep = False
            self.serve(self._clock.monotonic())
        return sent

    def _leave(self, line: _Line, turn: _Turn) -> None:
        now = self._clock.monotonic()
        called = turn.called
        sent = called.result() if called.done() and not called.cancelled() else None
        if sent is None:
            line.leave(turn)
        else:
            # Granted and cancelled in the same moment: nobody will send it.
            self._pace.cancelled(now, sent)
        self.serve(now)
