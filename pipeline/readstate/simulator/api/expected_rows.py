"""A test oracle: the rows that a perfect client would read, computed without the API."""

import json
from collections.abc import Iterator
from typing import Any

from readstate.simulator.api import json_templates as render
from readstate.simulator.api.behaviour import Behaviour
from readstate.simulator.api.read_horizon import unread_messages_count
from readstate.simulator.seed.records import User
from readstate.simulator.world.service import Service
from readstate.simulator.world.world import World

Row = dict[str, Any]
"""A UserConversation as it stands in JSON."""


class Oracle:
    """Returns the rows of a world as an account with these URLs shows them."""

    def __init__(self, world: World, *, account_sid: str, base_url: str, behaviour: Behaviour | None = None) -> None:
        self._world = world
        self._account_sid = account_sid
        self._base_url = base_url
        self._behaviour = behaviour or Behaviour()

    def user_conversations(self, service: Service, user: User) -> list[Row]:
        """Return the rows of one user, in SID order, as the family of *service* shows them."""
        family = "" if service is self._world.default_service else f"/Services/{service.sid}"
        return self.rows_in_family(service, user, f"{self._base_url}/v1{family}")

    def every_user_conversation(self) -> Iterator[Row]:
        """Return the rows of all users of all services."""
        for service, user in self._world.users():
            yield from self.user_conversations(service, user)

    def rows_in_family(self, service: Service, user: User, prefix: str) -> list[Row]:
        """Return the rows of one user with URLs that begin with *prefix*."""
        urls = render.UrlContext(self._account_sid, service.sid, prefix)
        rows = []
        for listed in service.conversations_of(user.number):
            if (membership := service.listed_membership(listed, user.number)) is not None:
                unread = unread_messages_count(service, *membership, self._behaviour, self._world.now())
                rows.append(json.loads(render.user_conversation(urls, user.sid, *membership, unread)))
        return rows
