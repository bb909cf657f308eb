"""Timers that let other clients act on the event loop, as often as the faults say."""

import asyncio
from collections.abc import Callable

from readstate.simulator.faults.faults import Faults
from readstate.simulator.faults.other_clients import OtherClients


class LiveClients:
    """Reads, writes and renames at the rates in force, between `start` and `stop`."""

    def __init__(self, others: OtherClients) -> None:
        self._others = others
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._is_started = False

    def start(self, faults: Faults) -> None:
        """Begin at the rates of *faults*. Call this on the event loop."""
        self.stop()
        self._is_started = True
        self._act_again("read", faults.live_moves_per_second, self._others.move_somewhere)
        self._act_again("write", faults.live_messages_per_second, self._others.write_somewhere)
        self._act_again("rename", faults.live_user_updates_per_second, self._others.rename_somebody)

    def change(self, faults: Faults) -> None:
        """Go on at the rates of *faults*, if at all."""
        if self._is_started:
            self.start(faults)

    def stop(self) -> None:
        """End."""
        self._is_started = False
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _act_again(self, name: str, per_second: float, act: Callable[[], None]) -> None:
        def act_now() -> None:
            act()
            self._act_again(name, per_second, act)

        if per_second > 0:
            self._timers[name] = asyncio.get_running_loop().call_later(1 / per_second, act_now)
