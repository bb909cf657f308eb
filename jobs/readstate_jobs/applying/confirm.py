"""Ask the user at the terminal whether a run under way may continue."""

import asyncio
import sys
from collections.abc import Awaitable, Callable

from readstate.events import AnswerAwaited, Observer
from readstate.stop import StopSwitch

_YES = {"y", "yes"}


def make_prompt(stop: StopSwitch, emit: Observer) -> Callable[[str], Awaitable[bool]]:
    """Return a prompt that waits for an answer without blocking the event loop; without a terminal it is False."""

    async def ask(question: str) -> bool:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            return False
        emit(AnswerAwaited(f"{question} Type yes to continue, anything else to stop."))
        return (await _read_line(stop)).strip().lower() in _YES

    return ask


async def _read_line(stop: StopSwitch) -> str:
    """Return the next line that is typed, or an empty one once the run is to stop."""
    # Not input() on a thread: a thread that waits for the keyboard could not be stopped.
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()

    def finish(read: Callable[[], str]) -> None:
        if not line.done():
            line.set_result(read())

    stop.on_stop(lambda: finish(str))
    loop.add_reader(sys.stdin.fileno(), finish, sys.stdin.readline)
    try:
        return await line
    finally:
        loop.remove_reader(sys.stdin.fileno())
