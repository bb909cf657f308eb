import asyncio
import os
import pty
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from readstate.errors import ExitCode
from readstate.events import AnswerAwaited, Event, ignore
from readstate.stop import StopReason, StopSwitch
from readstate_jobs.applying.confirm import make_prompt


@contextmanager
def terminal() -> Iterator[int]:
    """For as long as the block lasts, stdin and stderr are a terminal; what is written to the number is typed there."""
    keyboard, screen = pty.openpty()
    with (
        open(screen) as stdin,  # noqa: PTH123
        open(screen, "w", closefd=False) as stderr,
        # Not as a fixture: pytest puts its own files there when a test begins.
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr("sys.stdin", stdin)
        patch.setattr("sys.stderr", stderr)
        yield keyboard
    os.close(keyboard)


@pytest.mark.parametrize(("typed", "agrees"), [(b"yes\n", True), (b"Y\n", True), (b"no\n", False), (b"\n", False)])
async def test_only_a_yes_is_a_yes(typed: bytes, agrees: bool) -> None:
    emitted: list[Event] = []

    with terminal() as keyboard:
        os.write(keyboard, typed)
        assert await make_prompt(StopSwitch(), emitted.append)("Enough?") is agrees

    assert emitted == [AnswerAwaited("Enough? Type yes to continue, anything else to stop.")]


async def test_closing_the_terminal_is_no_consent() -> None:
    with terminal() as keyboard:
        os.write(keyboard, b"\x04")
        assert not await make_prompt(StopSwitch(), ignore)("Enough?")


async def test_a_signal_ends_the_question() -> None:
    stop = StopSwitch()

    def interrupt(event: Event) -> None:
        asyncio.get_running_loop().call_soon(stop.request_stop, StopReason("stopped by SIGINT", ExitCode.INTERRUPTED))

    with terminal():
        assert not await make_prompt(stop, interrupt)("Enough?")


async def test_without_a_terminal_there_is_no_question_and_no_consent(monkeypatch: pytest.MonkeyPatch) -> None:
    emitted: list[Event] = []
    with open(os.devnull) as nothing:  # noqa: ASYNC230, PTH123
        monkeypatch.setattr("sys.stdin", nothing)

        assert not await make_prompt(StopSwitch(), emitted.append)("Enough?")
    assert emitted == []
