"""A request to stop, and why: asked by a signal, a deadline or a scheduler, obeyed between two users or rows."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from readstate.errors import ExitCode, Stopped


@dataclass(frozen=True, slots=True)
class StopReason:
    """Why a run is to end before its work is done."""

    text: str
    exit_code: ExitCode

    def as_error(self) -> Stopped:
        """The error that ends a run for this reason."""
        return Stopped(self.text, exit_code=self.exit_code)


class StopSwitch:
    """Off until somebody asks; the first reason stays."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self._reason: StopReason | None = None
        self._listeners: list[Callable[[], None]] = []

    def reason(self) -> StopReason | None:
        """Why to stop; None while the run may go on."""
        return self._reason

    def ask(self, reason: StopReason) -> None:
        """Ask the run to stop. Call it on the event loop's thread."""
        self._reason = self._reason or reason
        self._asked.set()
        for listener in self._listeners:
            listener()

    def when_asked(self, listener: Callable[[], None]) -> None:
        """Call *listener* when somebody asks."""
        self._listeners.append(listener)

    def check(self) -> None:
        """Raise `Stopped` where somebody asked; may be called on any thread."""
        if self._reason is not None:
            raise self._reason.as_error()

    async def wait(self) -> StopReason:
        """Wait until somebody asks."""
        await self._asked.wait()
        assert self._reason is not None
        return self._reason
