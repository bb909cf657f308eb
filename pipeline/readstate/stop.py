"""A request to stop a run, with its reason: from a signal, a deadline or a scheduler, obeyed between users or rows."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from msgspec import Struct

from readstate.clock import Clock
from readstate.concurrency import first_error
from readstate.errors import ExitCode, Stopped


class StopReason(Struct, frozen=True):
    """Why a run ends before its work is done."""

    text: str
    exit_code: ExitCode

    def as_error(self, *, hint: str | None = None) -> Stopped:
        """Return the error that ends a run for this reason."""
        return Stopped(self.text, exit_code=self.exit_code, hint=hint)


class StopSwitch:
    """Off until a stop is requested; the first reason stays."""

    def __init__(self) -> None:
        self._requested = asyncio.Event()
        self._reason: StopReason | None = None
        self._listeners: list[Callable[[], object]] = []

    def reason(self) -> StopReason | None:
        """Return why to stop; None while the run may continue."""
        return self._reason

    def request_stop(self, reason: StopReason) -> None:
        """Ask the run to stop. Call this on the event loop's thread."""
        self._reason = self._reason or reason
        self._requested.set()
        for listener in self._listeners:
            listener()

    def on_stop(self, listener: Callable[[], object]) -> None:
        """Call *listener* at every request to stop."""
        self._listeners.append(listener)

    def raise_if_stopped(self, *, hint: str | None = None) -> None:
        """Raise `Stopped` if a stop was requested. May be called on any thread."""
        if self._reason is not None:
            raise self._reason.as_error(hint=hint)

    async def wait(self) -> StopReason:
        """Wait for a request to stop and return its reason."""
        await self._requested.wait()
        assert self._reason is not None
        return self._reason


@asynccontextmanager
async def cancel_after_grace(grace_seconds: float, *, stop: StopSwitch, clock: Clock) -> AsyncIterator[None]:
    """Run the block until it ends or, once a stop is requested, for at most *grace_seconds* more; then cancel it.

    Raise the first error of the block itself, not a group of errors, and `Stopped` where the block was cancelled.
    """

    async def watch() -> None:
        reason = await stop.wait()
        await clock.sleep(grace_seconds)
        raise reason.as_error()

    try:
        async with asyncio.TaskGroup() as group:
            watcher = group.create_task(watch())
            yield
            watcher.cancel()
    except BaseExceptionGroup as errors:
        raise first_error(errors) from None
