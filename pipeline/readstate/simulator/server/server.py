"""Serve a simulator on a loopback port: on the running event loop, or on a thread of its own."""

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

from readstate.simulator.api.behaviour import Behaviour
from readstate.simulator.api.credentials import Credentials
from readstate.simulator.api.expected_rows import Oracle
from readstate.simulator.faults.faults import Faults
from readstate.simulator.server.control_api import ControlApi
from readstate.simulator.server.counters import Counters
from readstate.simulator.server.http_connection import Connection
from readstate.simulator.server.simulator import Simulator
from readstate.simulator.world.effect_log import Effect
from readstate.simulator.world.world import World

LOOPBACK = "127.0.0.1"
Result = TypeVar("Result")


@asynccontextmanager
async def listening(
    simulator: Simulator, *, host: str = LOOPBACK, port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """Serve *simulator* on the running loop while the block runs, by https where *tls* is given; yield the base URL."""
    connections: set[Connection] = set()
    control_api = ControlApi(simulator)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(control_api, connections), host, port, backlog=4096, ssl=tls)
    base_url = f"{'https' if tls else 'http'}://{host}:{server.sockets[0].getsockname()[1]}"
    simulator.set_base_url(base_url)
    simulator.live_clients.start(simulator.faults)
    try:
        yield base_url
    finally:
        server.close()
        simulator.live_clients.stop()
        for connection in list(connections):
            connection.close()


class RunningSimulator:
    """A simulator that listens; every method may be called from any thread."""

    def __init__(self, simulator: Simulator, base_url: str, loop: asyncio.AbstractEventLoop) -> None:
        self._simulator = simulator
        self._loop = loop
        self.base_url = base_url

    @property
    def world(self) -> World:
        return self._simulator.world

    @property
    def credentials(self) -> Credentials:
        return self._simulator.credentials

    @property
    def faults(self) -> Faults:
        """The faults in force; assign others to change them."""
        return self._simulator.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._on_loop(lambda: self._simulator.change_faults(faults))

    @property
    def behaviour(self) -> Behaviour:
        """The behaviour in force; assign another to change it."""
        return self._simulator.behaviour

    @behaviour.setter
    def behaviour(self, behaviour: Behaviour) -> None:
        self._on_loop(lambda: self._simulator.change_behaviour(behaviour))

    @property
    def oracle(self) -> Oracle:
        """Returns what a perfect client would have seen."""
        return self._simulator.oracle()

    def effects(self) -> list[Effect]:
        """Return every change that took effect so far, in order."""
        return list(self.world.log.effects)

    def counters(self) -> Counters:
        return self._simulator.counters

    def reset_counters(self) -> None:
        self._on_loop(self._simulator.reset_counters)

    def _on_loop(self, change: Callable[[], Result]) -> None:
        if self._loop is _current_loop():
            change()
            return
        done = threading.Event()

        def run() -> None:
            try:
                change()
            finally:
                done.set()

        self._loop.call_soon_threadsafe(run)
        done.wait()


@asynccontextmanager
async def serving(
    world: World | None = None,
    *,
    faults: Faults | None = None,
    behaviour: Behaviour | None = None,
    port: int = 0,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[RunningSimulator]:
    """Serve a world on the running loop while the block runs."""
    simulator = Simulator(world, faults=faults, behaviour=behaviour)
    async with listening(simulator, port=port, tls=tls) as base_url:
        yield RunningSimulator(simulator, base_url, asyncio.get_running_loop())


@contextmanager
def running(
    world: World | None = None,
    *,
    faults: Faults | None = None,
    behaviour: Behaviour | None = None,
    port: int = 0,
    tls: ssl.SSLContext | None = None,
) -> Iterator[RunningSimulator]:
    """Serve a world on a thread and a loop of its own while the block runs."""
    loop = new_event_loop()
    started = threading.Event()
    stop = asyncio.Event()
    outcome: list[RunningSimulator | BaseException] = []

    async def serve() -> None:
        try:
            async with serving(world, faults=faults, behaviour=behaviour, port=port, tls=tls) as simulator:
                outcome.append(simulator)
                started.set()
                await stop.wait()
        except OSError as error:
            outcome.append(error)
            started.set()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), name="simulator", daemon=True)
    thread.start()
    started.wait()
    match outcome[0]:
        case RunningSimulator() as simulator:
            try:
                yield simulator
            finally:
                loop.call_soon_threadsafe(stop.set)
                thread.join()
                loop.close()
        case problem:
            thread.join()
            loop.close()
            raise problem


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return a new event loop: uvloop's where it is installed, because it serves twice as many requests."""
    try:
        import uvloop  # noqa: PLC0415 - optional: the extra `fast`
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def _current_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
