"""When the next row may begin.

Not while somebody paused the run, not in the middle of trouble, and not while so many rows are
under way that one of them would have to wait between being read and being written.
"""

import asyncio
from collections.abc import Awaitable, Callable
from math import ceil

from readstate.changes.apply.budgets import WriteBreaker
from readstate.changes.runs.directory import RunDirectory
from readstate.clock import Clock
from readstate.errors import ApiError, ExitCode, LocalDisk, Refused, TransportError
from readstate.events import Event, Observer, RequestAnswered, WritesGoOn, WritesHeld
from readstate.stop import StopReason, StopSwitch

_SECONDS_BETWEEN_LOOKS = 0.25
_FIRST_PROBE_SECONDS = 0.5
_LONGEST_PROBE_SECONDS = 5.0
_MEMORY = 0.1
_FEWEST_ROWS = 4
_HEADROOM = 1.1
_OVERHEAD_SECONDS = 0.01


class Meter:
    """Listens to requests: how long they take, and since when all of them are refused as too many."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.read_seconds = 0.0
        self.write_seconds = 0.0
        self.throttled_since: float | None = None
        self._reads = 0
        self._writes = 0

    def observe(self, event: Event) -> None:
        """Take *event* in; anything but an answer is ignored."""
        if not isinstance(event, RequestAnswered):
            return
        if event.status == 429:
            self.throttled_since = self.throttled_since or self._clock.monotonic()
            return
        self.throttled_since = None
        if event.method == "GET":
            self._reads += 1
            self.read_seconds += max(_MEMORY, 1 / self._reads) * (event.seconds - self.read_seconds)
        else:
            self._writes += 1
            self.write_seconds += max(_MEMORY, 1 / self._writes) * (event.seconds - self.write_seconds)

    def throttled_seconds(self) -> float:
        """For how long every answer was a 429."""
        return 0.0 if self.throttled_since is None else self._clock.monotonic() - self.throttled_since


def rows_at_once(writes_per_second: float, seconds_per_row: float, *, most: int) -> int:
    """How many rows keep the writes going at their rate without queueing up between reading and writing."""
    return min(most, max(_FEWEST_ROWS, ceil(_HEADROOM * writes_per_second * (seconds_per_row + _OVERHEAD_SECONDS)) + 1))


class Gate:
    """Lets rows begin one by one; each must `leave` again."""

    def __init__(
        self,
        run: RunDirectory,
        *,
        clock: Clock,
        stop: StopSwitch,
        meter: Meter,
        breaker: WriteBreaker,
        probe: Callable[[], Awaitable[object]],
        rate: Callable[[], float],
        most: int,
        max_throttled_seconds: float,
        max_outage_seconds: float,
        emit: Observer,
    ) -> None:
        self._run = run
        self._clock = clock
        self._stop = stop
        self._meter = meter
        self._breaker = breaker
        self._probe = probe
        self._rate = rate
        self._most = most
        self._max_throttled_seconds = max_throttled_seconds
        self._max_outage_seconds = max_outage_seconds
        self._emit = emit
        self._inside = 0
        self._probes = 0
        self._somebody_left = asyncio.Event()
        self._looked_at = float("-inf")
        self._held: str | None = None
        stop.on_stop(self._somebody_left.set)

    async def enter(self) -> bool:
        """Wait until a row may begin and there is room for it; False where the run is to stop instead."""
        while await self.is_open():
            if self._inside < self._room():
                self._inside += 1
                return True
            await self._wait_for_room()
        return False

    async def is_open(self) -> bool:
        """Wait while rows are held, however much room there is; False where the run is to stop instead."""
        began: float | None = None
        while self._may_go_on():
            if (reason := self._obstacle()) is None:
                if began is not None:
                    self._emit(WritesGoOn(self._clock.monotonic() - began))
                return True
            if began is None:
                began = self._clock.monotonic()
                self._emit(WritesHeld(reason))
            if self._breaker.is_open:
                await self._probe_once()
            else:
                await self._clock.sleep(_SECONDS_BETWEEN_LOOKS)
        return False

    def leave(self) -> None:
        """Make room for the next row."""
        self._inside -= 1
        self._somebody_left.set()

    def _obstacle(self) -> str | None:
        if self._breaker.is_open:
            return "too many writes got no clear answer: probing before the next one"
        return self._held

    def _room(self) -> int:
        seconds = self._meter.read_seconds + self._meter.write_seconds
        return rows_at_once(self._rate(), seconds, most=self._most)

    def _may_go_on(self) -> bool:
        now = self._clock.monotonic()
        if now - self._looked_at >= _SECONDS_BETWEEN_LOOKS:
            self._looked_at = now
            self._look(now)
        return self._stop.reason() is None

    def _look(self, now: float) -> None:
        if self._run.stop.exists():
            self._stop_early(f"{self._run.stop} is there")
        self._held = f"{self._run.pause} is there" if self._run.pause.exists() else None
        if self._meter.throttled_seconds() > self._max_throttled_seconds:
            self._stop_early(f"every request was one too many (429) for {self._meter.throttled_seconds():.0f} seconds")
        if self._breaker.opened_at is not None and now - self._breaker.opened_at > self._max_outage_seconds:
            self._stop_early(f"writes get no clear answer for {now - self._breaker.opened_at:.0f} seconds")
        try:
            self._run.check_free()
        except LocalDisk as error:
            self._stop.request_stop(StopReason(str(error), error.exit_code))

    def _stop_early(self, text: str) -> None:
        self._stop.request_stop(StopReason(text, ExitCode.STOPPED_EARLY))

    async def _probe_once(self) -> None:
        """Ask whether it is over; the breaker judges the writes that follow anew."""
        await self._clock.sleep(min(_LONGEST_PROBE_SECONDS, _FIRST_PROBE_SECONDS * 2**self._probes))
        self._probes += 1
        try:
            await self._probe()
        except Refused:
            raise
        except (ApiError, TransportError):
            return
        self._probes = 0
        self._breaker.close()

    async def _wait_for_room(self) -> None:
        self._somebody_left.clear()
        try:
            async with asyncio.timeout(_SECONDS_BETWEEN_LOOKS):
                await self._somebody_left.wait()
        except TimeoutError:
            return
