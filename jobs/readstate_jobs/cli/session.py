"""Wires a command to Twilio once: clock, progress, log, metrics, and the connection that they observe."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from msgspec import Struct

from readstate.changes.current_state.target import TargetInfo, find_target
from readstate.clock import Clock, SystemClock
from readstate.events import Observer
from readstate.observers.monitor import Monitor, monitor_run
from readstate.settings.credentials import Credentials
from readstate.settings.settings import Settings
from readstate.stop import StopSwitch
from readstate.twilio.connect import Connection, connection
from readstate.twilio.read_context import ReadContext
from readstate_jobs.cli.event_loop import fan_out


class Session(Struct, frozen=True, kw_only=True):
    """One command's connection to Twilio, and what shows its progress."""

    settings: Settings
    clock: Clock
    twilio: Connection
    monitor: Monitor
    emit: Observer
    """Receives the events of the command's own work; those of the connection go there already."""

    async def find_target(self, service_sid: str | None) -> TargetInfo:
        """Find account, service and server clock; None is the default service. Raises `BadInput`, `NotPermitted`."""
        return await find_target(self.twilio.reader(), service_sid, base_url=self.settings.base_url, clock=self.clock)

    def read_context(self, service_sid: str, stop: StopSwitch) -> ReadContext:
        """Return the dependencies of reading the current state of *service_sid*."""
        return ReadContext(
            reader=self.twilio.reader(),
            service_sid=service_sid,
            clock=self.clock,
            stop=stop,
            emit=self.emit,
            parallel=self.settings.max_in_flight,
        )

    def succeeded(self) -> None:
        """Record in the metrics that the command has reached its end."""
        self.monitor.mark_success()


@asynccontextmanager
async def open_session(
    settings: Settings,
    credentials: Credentials,
    *,
    command: str,
    clock: Clock | None = None,
    observers: Sequence[Observer] = (),
) -> AsyncIterator[Session]:
    """Connect to Twilio and show progress for as long as the block lasts; *observers* see every event too.

    Raises `LocalDisk` where the metrics file cannot be written.
    """
    clock = clock or SystemClock()
    with monitor_run(settings, command=command, clock=clock) as monitor:
        emit = fan_out([*observers, monitor.emit])
        async with connection(settings, credentials, clock=clock, emit=emit) as twilio:
            monitor.show_limiter(twilio.limiter)
            yield Session(settings=settings, clock=clock, twilio=twilio, monitor=monitor, emit=emit)
