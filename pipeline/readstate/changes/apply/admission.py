"""Admission of rows: when the next one may begin.

Not while the run is paused or writes get no clear answers, and not while so many rows are under way that one of them
would have to wait between its read and its write.
"""

import asyncio
from collections.abc import Callable

from readstate.changes.apply.circuit_breaker import WriteBreaker
from readstate.changes.apply.latency import parallel_rows
from readstate.changes.apply.options import ApplyDependencies, ApplyOptions
from readstate.changes.runs.directory import RunDirectory
from readstate.errors import ApiError, ExitCode, LocalDisk, Refused, TransportError
from readstate.events import Observer, WritesGoOn, WritesHeld
from readstate.stop import StopReason

_CHECK_INTERVAL_SECONDS = 0.25
_FIRST_PROBE_SECONDS = 0.5
_LONGEST_PROBE_SECONDS = 5.0


class Admission:
    """Admits rows one by one; each must be released again."""

    def __init__(
        self,
        run: RunDirectory,
        *,
        options: ApplyOptions,
        context: ApplyDependencies,
        breaker: WriteBreaker,
        emit: Observer,
    ) -> None:
        self._run = run
        self._options = options
        self._context = context
        self._clock = context.clock
        self._stop = context.stop
        self._breaker = breaker
        self._emit = emit
        self._under_way = 0
        self._failed_probes = 0
        self._released = asyncio.Event()
        self._checked_at = float("-inf")
        self._paused_by: str | None = None
        self._stop.on_stop(self._released.set)

    async def acquire(self) -> "Slot | None":
        """Wait until a row may begin and there is room for it. Return its slot, or None once the run is stopping."""
        while await self.wait_until_open():
            if self._under_way < self._room():
                self._under_way += 1
                return Slot(self._release)
            await self._wait_for_room()
        return None

    async def wait_until_open(self) -> bool:
        """Block while writes are paused. Return False once the run is stopping."""
        began: float | None = None
        while self._should_continue():
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
                await self._clock.sleep(_CHECK_INTERVAL_SECONDS)
        return False

    def _release(self) -> None:
        self._under_way -= 1
        self._released.set()

    def _obstacle(self) -> str | None:
        if self._breaker.is_open:
            return "too many writes got no clear answer: probing before the next one"
        return self._paused_by

    def _room(self) -> int:
        seconds_per_row = self._context.meter.seconds_per_row()
        return parallel_rows(self._context.rate(), seconds_per_row, maximum=self._options.max_parallel_rows)

    def _should_continue(self) -> bool:
        now = self._clock.monotonic()
        if now - self._checked_at >= _CHECK_INTERVAL_SECONDS:
            self._checked_at = now
            self._check(now)
        return self._stop.reason() is None

    def _check(self, now: float) -> None:
        """Look at the control files, the disk and the clock; ask the run to stop where one of them demands it."""
        if self._run.stop.exists():
            self._stop_early(f"{self._run.stop} is there")
        self._paused_by = f"{self._run.pause} is there" if self._run.pause.exists() else None
        throttled = self._context.meter.throttled_seconds()
        if throttled > self._options.max_throttled_seconds:
            self._stop_early(f"every request was refused as too many (429) for {throttled:.0f} seconds")
        opened_at = self._breaker.opened_at
        if opened_at is not None and now - opened_at > self._options.max_outage_seconds:
            self._stop_early(f"writes get no clear answer for {now - opened_at:.0f} seconds")
        try:
            self._run.require_free_space()
        except LocalDisk as error:
            self._stop.request_stop(StopReason(str(error), error.exit_code))

    def _stop_early(self, text: str) -> None:
        self._stop.request_stop(StopReason(text, ExitCode.STOPPED_EARLY))

    async def _probe_once(self) -> None:
        """Send one read; if it is answered, close the breaker, which then judges only the writes that follow."""
        await self._clock.sleep(min(_LONGEST_PROBE_SECONDS, _FIRST_PROBE_SECONDS * 2**self._failed_probes))
        self._failed_probes += 1
        try:
            await self._context.writer.configuration()
        except Refused:  # 401 or 403 ends the run; every other refusal is an answer that does not help
            raise
        except (ApiError, TransportError):
            return
        self._failed_probes = 0
        self._breaker.close()

    async def _wait_for_room(self) -> None:
        # No longer than the interval: the rate of writes, and with it the room, may grow without a release.
        self._released.clear()
        try:
            async with asyncio.timeout(_CHECK_INTERVAL_SECONDS):
                await self._released.wait()
        except TimeoutError:
            return


class Slot:
    """The place of a row among those under way; released once, however often `release` is called."""

    def __init__(self, release: Callable[[], None]) -> None:
        self._release = release
        self._is_held = True

    def release(self) -> None:
        if self._is_held:
            self._is_held = False
            self._release()
