"""Runs a command's coroutine: the event loop, the signals, the observers."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from readstate.errors import ExitCode, Stopped
from readstate.events import Event, Observer
from readstate.stop import StopReason, StopSwitch
from readstate_jobs.cli.messages import command_line

Result = TypeVar("Result")

_SIGNALS = {signal.SIGINT: ExitCode.INTERRUPTED, signal.SIGTERM: ExitCode.TERMINATED}


def run(main: Callable[[StopSwitch], Awaitable[Result]]) -> Result:
    """Run *main* with a switch that SIGINT and SIGTERM turn; a second signal leaves at once."""

    async def with_signals() -> Result:
        stop = StopSwitch()
        loop = asyncio.get_running_loop()
        for number, code in _SIGNALS.items():
            loop.add_signal_handler(number, _ask_or_leave, stop, number, code)
        return await main(stop)

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(with_signals())


def run_reading(read: Callable[[StopSwitch], Awaitable[Result]]) -> Result:
    """Run *read*, which has nothing to save: a stop cancels what it waits for, such as the end of an outage."""
    return run(lambda stop: _unless_asked(read(stop), stop))


async def _unless_asked(reading: Awaitable[Result], stop: StopSwitch) -> Result:
    task = asyncio.ensure_future(reading)
    stop.on_stop(lambda: _cancel(task))
    try:
        return await task
    except (asyncio.CancelledError, Stopped):
        if (reason := stop.reason()) is None:
            raise
        raise Stopped(
            reason.text, hint="Nothing was planned or changed: run the command again.", exit_code=reason.exit_code
        ) from None


def _cancel(task: asyncio.Future[Result]) -> None:
    task.cancel()


def deadline(stop: StopSwitch, seconds: float) -> None:
    """Ask for a stop when *seconds* have passed."""
    reason = StopReason("the deadline has come", ExitCode.STOPPED_EARLY)
    asyncio.get_running_loop().call_later(seconds, stop.request_stop, reason)


def fan_out(observers: Sequence[Observer]) -> Observer:
    """One observer that tells all *observers*."""

    def tell(event: Event) -> None:
        for observer in observers:
            observer(event)

    return tell


def _ask_or_leave(stop: StopSwitch, number: signal.Signals, code: ExitCode) -> None:
    if stop.reason() is not None:
        command_line().tell("leaving at once; what was saved can be resumed")
        os._exit(code)
    command_line().tell(f"{number.name}: finishing what is in flight (a second one leaves at once)")
    stop.request_stop(StopReason(f"stopped by {number.name}", code))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
