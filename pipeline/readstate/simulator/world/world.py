"""A whole account: its services, made from a seed, and everything that was changed since."""

import time
from collections.abc import Callable, Iterator

from readstate.simulator.seed.records import User
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.world.editor import Editor
from readstate.simulator.world.effect_log import EffectLog
from readstate.simulator.world.service import Service


class World:
    """What exists. It is made lazily: its size costs nothing until a part of it is read."""

    def __init__(self, shape: WorldShape | None = None, *, now: Callable[[], float] = time.time) -> None:
        self.shape = shape or WorldShape()
        self.now = now
        self.log = EffectLog(now)
        self.messages_update_conversations = False
        """Whether a message changes the `date_updated` of its conversation."""
        self.services = tuple(Service(self.shape, number) for number in range(self.shape.services))
        self._by_sid = {service.sid: service for service in self.services}

    @property
    def default_service(self) -> Service:
        """The service that paths without a service mean."""
        return self.services[0]

    def service(self, sid: str) -> Service | None:
        """Look up a service."""
        return self._by_sid.get(sid)

    def users(self) -> Iterator[tuple[Service, User]]:
        """Walk the users of all services: the roster that a run should see."""
        return ((service, user) for service in self.services for user in service.users())

    def edit(self, service: Service, *, actor: str) -> Editor:
        """Open *service* for changes in the name of *actor*."""
        return Editor(service, self.log, actor=actor, messages_update_conversations=self.messages_update_conversations)
