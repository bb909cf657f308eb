"""A request to stop, and why: asked by a signal, a deadline or a scheduler, obeyed between two users or rows."""

import asyncio
from dataclasses import dataclass

from pipeline.errors import ExitCode


@dataclass(frozen=True, slots=True)
class StopReason:
    """Why a run is to end before its work is done."""

    text: str
    exit_code: ExitCode


class StopSwitch:
    """Off until somebody asks; the first reason stays."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self._reason: StopReason | None = None

    def reason(self) -> StopReason | None:
        """Why to stop; None while the run may go on."""
        return self._reason

    def ask(self, reason: StopReason) -> None:
        """Ask the run to stop. Call it on the event loop's thread."""
        self._reason = self._reason or reason
        self._asked.set()

    async def wait(self) -> StopReason:
        """Wait until somebody asks."""
        await self._asked.wait()
        assert self._reason is not None
        return self._reason
