"""Asks the simulated API without a socket, as a test wants it: one call, one status, one JSON body."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from msgspec.structs import replace

from readstate.simulator.api.api import Request
from readstate.simulator.api.behaviour import Behaviour
from readstate.simulator.api.credentials import Credentials
from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.simulator import Simulator
from readstate.simulator.world.world import World

FORM = b"application/x-www-form-urlencoded"
AUTHORIZATION = next(iter(Credentials().permissions()))


@dataclass(frozen=True)
class Reply:
    status: int
    body: Any

    @property
    def code(self) -> int:
        return int(self.body["code"])


class SimulatedApi:
    def __init__(self, shape: WorldShape | None = None, *, now: float | None = None, **behaviour: Any) -> None:
        shape = shape or WorldShape(users=60, services=2, heaviest=60)
        world = World(shape) if now is None else World(shape, now=lambda: now)
        self.simulator = Simulator(world, behaviour=Behaviour(**behaviour))
        self.api = self.simulator.api
        self.world = self.simulator.world
        self.service = self.world.default_service
        self._asked = 0

    def ask(self, method: str, target: str, *, authorization: bytes = AUTHORIZATION, **form: str) -> Reply:
        url = urlsplit(target)
        target = url.path + (f"?{url.query}" if url.query else "")
        self._asked += 1
        asked = Request(method, target, authorization, FORM, urlencode(form).encode())
        _, answer = self.api.handle(asked, f"RQ{self._asked:032x}")
        return Reply(answer.status, json.loads(answer.body) if answer.body else None)

    def get(self, target: str) -> Any:
        reply = self.ask("GET", target)
        assert reply.status == 200, reply
        return reply.body

    def pages(self, target: str) -> list[Any]:
        """Follow `next_page_url` from *target* to the end."""
        pages = []
        following: str | None = target
        while following is not None:
            pages.append(self.get(following))
            following = pages[-1]["meta"]["next_page_url"]
            assert len(pages) < 1000, "the pages never end"
        return pages

    def rows(self, target: str) -> list[Any]:
        return [row for page in self.pages(target) for row in page[page["meta"]["key"]]]

    def faults(self, **faults: Any) -> None:
        self.simulator.change_faults(replace(Faults(), **faults))

    def user_with(self, conversations: int) -> str:
        """Find the SID of a user of the default service who has exactly so many conversations."""
        users = self.service.users()
        return next(user.sid for user in users if len(self.service.conversations_of(user.number)) == conversations)

    def users_with(self, at_least: int, at_most: int) -> list[Any]:
        """Find the users of the default service with a number of conversations in that range."""
        count = self.service.conversations_of
        return [user for user in self.service.users() if at_least <= len(count(user.number)) <= at_most]

    def rows_of(self, user_sid: str) -> list[Any]:
        return self.rows(f"/v1/Users/{user_sid}/Conversations")

    def membership(self, *, messages: bool = True, horizon: bool | None = None, state: str = "active") -> Any:
        """Find a row of the default service with the properties that a test needs."""
        for user in self.service.users():
            for listed in self.service.conversations_of(user.number):
                found = self.service.listed_membership(listed, user.number)
                assert found is not None
                conversation, participant = found
                if (
                    (conversation.messages.newest() is not None) == messages
                    and conversation.messages.last_ever < 500
                    and conversation.state == state
                    and horizon in {None, participant.last_read_message_index is not None}
                ):
                    return self.get(f"/v1/Users/{user.sid}/Conversations/{conversation.sid}")
        raise AssertionError("the world has no such membership")
