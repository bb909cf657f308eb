"""The simulated API without the wire: a request in, an answer out, the world changed."""

import time
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import parse_qsl

from readstate.simulator.api.action_limit import ActionBuckets
from readstate.simulator.api.behaviour import Behaviour
from readstate.simulator.api.context import Context
from readstate.simulator.api.credentials import Credentials
from readstate.simulator.api.json_templates import Place
from readstate.simulator.api.responses import Answer, Refusal
from readstate.simulator.api.routes import Route, find_route
from readstate.simulator.faults.injector import Dice
from readstate.simulator.faults.other_clients import LiveClient
from readstate.simulator.world.service import Service
from readstate.simulator.world.world import World

NOWHERE = "(no such path)"


class Asked(NamedTuple):
    """A request as it came."""

    method: str
    target: str
    """Path and query, as they were sent."""
    authorization: bytes = b""
    content_type: bytes = b""
    body: bytes = b""


class Api:
    """Answers requests out of a world."""

    def __init__(self, world: World, *, dice: Dice, behaviour: Behaviour, credentials: Credentials) -> None:
        self.world = world
        self.dice = dice
        self.behaviour = behaviour
        self.credentials = credentials
        self.live_client = LiveClient(world, dice)
        self.base_url = "http://127.0.0.1"
        self._actions = ActionBuckets(time.monotonic)
        self._permissions = credentials.permissions()

    def answer(self, asked: Asked, request_id: str) -> tuple[str, Answer]:
        """Serve a request; the first part of what is returned is the template of its path, for counting."""
        path, _, query = asked.target.partition("?")
        route = find_route(path, encoded_slash_separates=self.behaviour.encoded_slash == "separator")
        template = route.template if route else NOWHERE
        try:
            self._check_permission(asked)
            if route is None:
                raise Refusal(404, 20404, f"The requested resource {path} was not found")
            return template, self._serve(asked, route, path, query, request_id)
        except Refusal as refused:
            return template, refused.answer()

    def is_welcome(self, authorization: bytes) -> bool:
        """Say whether these credentials may read."""
        permission = self._permissions.get(authorization, "none")
        if permission == "bearer":
            return self.behaviour.bearer_token == "accepted"  # noqa: S105 - a choice, not a secret
        return permission != "none"

    def _check_permission(self, asked: Asked) -> None:
        faults = self.dice.faults
        if faults.suspended or not self.is_welcome(asked.authorization):
            raise Refusal(401, 20003, "Authenticate")
        if faults.region_disabled:
            raise Refusal(403, 50385, "Conversations is disabled in this region")
        if asked.method != "GET" and self._permissions[asked.authorization] == "read":
            raise Refusal(403, 70051, "Authorization failed: the API key lacks the permission for this action")

    def _serve(self, asked: Asked, route: Route, path: str, query: str, request_id: str) -> Answer:
        handler = route.handlers.get(asked.method)
        if handler is None:
            raise Refusal(405, 20004, "Method not allowed")
        service = self._service(route)
        if service is None:
            raise Refusal(404, 20404, f"The requested resource {path} was not found")
        family = f"{self.base_url}/v1" if route.service_sid is None else f"{self.base_url}/v1/Services/{service.sid}"
        context = Context(
            world=self.world,
            behaviour=self.behaviour,
            dice=self.dice,
            live_client=self.live_client,
            actions=self._actions,
            service=service,
            place=Place(self.credentials.account_sid, service.sid, family, self.dice.faults.extra_fields),
            base_url=self.base_url,
            path=path,
            query=_query(query),
            form=_form(asked),
            request_id=request_id,
        )
        return handler(context, *route.references)

    def _service(self, route: Route) -> Service | None:
        return self.world.default_service if route.service_sid is None else self.world.service(route.service_sid)


@lru_cache(maxsize=1_000)
def _query(text: str) -> Mapping[str, str]:
    return MappingProxyType(dict(parse_qsl(text, keep_blank_values=True)))


def _form(asked: Asked) -> dict[str, str]:
    # Nothing but a form is understood: a JSON body holds no field that Twilio would know.
    if not asked.body or not asked.content_type.startswith(b"application/x-www-form-urlencoded"):
        return {}
    return dict(parse_qsl(asked.body.decode("utf-8", "replace"), keep_blank_values=True))
