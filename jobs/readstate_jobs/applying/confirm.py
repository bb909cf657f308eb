"""Ask the person at the terminal whether a run under way may go on."""

import asyncio
import sys
from collections.abc import Awaitable, Callable

from readstate.events import Message, Observer
from readstate.stop import StopSwitch

_YES = {"y", "yes"}


def asker(stop: StopSwitch, emit: Observer) -> Callable[[str], Awaitable[bool]]:
    """A question that waits for an answer without blocking the run; without a terminal nobody agrees."""

    async def ask(question: str) -> bool:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            return False
        emit(Message(f"{question} Type yes to go on, anything else to stop."))
        return (await _typed(stop)).strip().lower() in _YES

    return ask


async def _typed(stop: StopSwitch) -> str:
    """The line that is typed next; nothing where somebody asks the run to stop meanwhile."""
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()

    def take(read: Callable[[], str]) -> None:
        if not line.done():
            line.set_result(read())

    stop.on_stop(lambda: take(str))
    loop.add_reader(sys.stdin.fileno(), take, sys.stdin.readline)
    try:
        return await line
    finally:
        loop.remove_reader(sys.stdin.fileno())
