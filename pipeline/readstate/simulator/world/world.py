"""A whole account: its services, made from a seed, and everything that was changed since."""

import time
from collections.abc import Callable, Iterator

from msgspec.structs import replace

from readstate.simulator.seed.records import Configuration, User
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
        self.configuration = Configuration()
        self.numbered_services: list[Service | None] = [
            Service(self.shape, number) for number in range(self.shape.services)
        ]
        """All that ever were; None stands for what is gone."""

    @property
    def services(self) -> list[Service]:
        return [service for service in self.numbered_services if service is not None]

    @property
    def default_service(self) -> Service:
        """The service that paths without a service mean."""
        service = self.numbered_services[self.configuration.default_service]
        assert service is not None
        return service

    def service(self, sid: str) -> Service | None:
        """Look up a service."""
        return next((service for service in self.services if service.sid == sid), None)

    def users(self) -> Iterator[tuple[Service, User]]:
        """Walk the users of all services: the roster that a run should see."""
        return ((service, user) for service in self.services for user in service.users())

    def edit(self, service: Service, *, actor: str) -> Editor:
        """Open *service* for changes in the name of *actor*."""
        return Editor(service, self.log, actor=actor, messages_update_conversations=self.messages_update_conversations)

    # What follows changes the account itself and not what is in a service.

    def create_service(self, friendly_name: str, *, actor: str, date_created: int | None = None) -> Service:
        """Create a service in which there is nothing yet."""
        created = int(self.now()) if date_created is None else date_created
        service = Service(replace(self.shape, users=0), len(self.numbered_services))
        service.friendly_name, service.date_created = friendly_name, created
        self.numbered_services.append(service)
        self.log.record(
            "service.created", actor=actor, chat_service_sid=service.sid, after={"friendly_name": friendly_name}
        )
        return service

    def delete_service(self, service: Service, *, actor: str) -> None:
        """Delete a service, which is not the default one, with everything in it."""
        self.numbered_services[service.number] = None
        before = {"friendly_name": service.friendly_name}
        self.log.record("service.deleted", actor=actor, chat_service_sid=service.sid, before=before)

    def configure(self, configuration: Configuration, *, actor: str) -> None:
        """Replace the configuration of the account."""
        before, after = self.configuration._asdict(), configuration._asdict()
        self.configuration = configuration
        sid = self.default_service.sid
        self.log.record("configuration.updated", actor=actor, chat_service_sid=sid, before=before, after=after)
