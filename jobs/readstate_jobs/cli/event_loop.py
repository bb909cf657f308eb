"""Runs a command's coroutine: the event loop, the signals, the observers."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from readstate.errors import ExitCode, Stopped
from readstate.events import Event, Observer
from readstate.stop import StopReason, StopSwitch
from readstate_jobs.output.messages import command_line

Result = TypeVar("Result")

_SHOW_CURSOR = b"\x1b[?25h\n"
_SIGNALS = {signal.SIGINT: ExitCode.INTERRUPTED, signal.SIGTERM: ExitCode.TERMINATED}


def run(main: Callable[[StopSwitch], Awaitable[Result]]) -> Result:
    """Run *main* with a switch that SIGINT and SIGTERM turn on; a second signal ends the process at once."""

    async def with_signals() -> Result:
        stop = StopSwitch()
        loop = asyncio.get_running_loop()
        for number, code in _SIGNALS.items():
            loop.add_signal_handler(number, _request_stop_or_exit, stop, number, code)
        return await main(stop)

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(with_signals())


def run_cancellable(main: Callable[[StopSwitch], Awaitable[Result]]) -> Result:
    """Run *main*, which has nothing to save: a stop cancels it wherever it waits, such as for the end of an outage."""
    return run(lambda stop: _cancelled_by(stop, main(stop)))


async def _cancelled_by(stop: StopSwitch, work: Awaitable[Result]) -> Result:
    task = asyncio.ensure_future(work)
    stop.on_stop(task.cancel)
    try:
        return await task
    except (asyncio.CancelledError, Stopped):
        if (reason := stop.reason()) is None:
            raise
        raise Stopped(
            reason.text, hint="Nothing was planned or changed: run the command again.", exit_code=reason.exit_code
        ) from None


def set_deadline(stop: StopSwitch, seconds: float) -> None:
    """Request a stop when *seconds* have passed."""
    reason = StopReason("the deadline has come", ExitCode.STOPPED_EARLY)
    asyncio.get_running_loop().call_later(seconds, stop.request_stop, reason)


def fan_out(observers: Sequence[Observer]) -> Observer:
    """Return one observer that passes each event to all *observers*."""

    def emit(event: Event) -> None:
        for observer in observers:
            observer(event)

    return emit


def _request_stop_or_exit(stop: StopSwitch, number: signal.Signals, code: ExitCode) -> None:
    if stop.reason() is not None:
        command_line().print_message("exiting at once; what was saved can be resumed")
        if sys.stderr.isatty():
            os.write(2, _SHOW_CURSOR)  # a progress bar has hidden it
        os._exit(code)
    command_line().print_message(f"{number.name}: finishing what is in flight and saving; a second one exits at once")
    stop.request_stop(StopReason(f"stopped by {number.name}", code))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - optional: the extra `fast`
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
