"""The simulated API without HTTP: a request in, a response out, the world changed."""

import re
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
from readstate.simulator.api.json_templates import UrlContext
from readstate.simulator.api.responses import ApiError, Response
from readstate.simulator.api.routes import Route, find_route
from readstate.simulator.faults.injector import FaultInjector
from readstate.simulator.faults.other_clients import OtherClients
from readstate.simulator.world.service import Service
from readstate.simulator.world.world import World

NOWHERE = "(no such path)"


class Request(NamedTuple):
    """A request as it came."""

    method: str
    target: str
    """Path and query, as they were sent."""
    authorization: bytes = b""
    content_type: bytes = b""
    body: bytes = b""
    host: bytes = b""
    origin: bytes = b""
    """The page whose script sends it, where a browser says so."""
    accept_encoding: bytes = b""


class Api:
    """Handles requests with a world as the state."""

    def __init__(
        self, world: World, *, injector: FaultInjector, behaviour: Behaviour, credentials: Credentials
    ) -> None:
        self.world = world
        self.injector = injector
        self.behaviour = behaviour
        self.credentials = credentials
        self.other_clients = OtherClients(world, injector)
        self.base_url = "http://127.0.0.1"
        self._actions = ActionBuckets(time.monotonic)
        self._permissions = credentials.permissions()

    def handle(self, request: Request, request_id: str) -> tuple[str, Response]:
        """Return the template of the path, for the counters, and the response."""
        path, _, query = request.target.partition("?")
        route = find_route(path, encoded_slash_separates=self.behaviour.encoded_slash == "separator")
        template = route.template if route else NOWHERE
        try:
            self._check_permission(request)
            if route is None or self._is_lost(path):
                raise ApiError(404, 20404, f"The requested resource {path} was not found")
            if route.resource in self.behaviour.forbidden:
                raise _no_permission()
            return template, self._serve(request, route, path, query, request_id)
        except ApiError as refused:
            return template, refused.response()

    def is_welcome(self, authorization: bytes) -> bool:
        """Return whether these credentials may read."""
        permission = self._permissions.get(authorization, "none")
        if permission == "bearer":
            return self.behaviour.bearer_token == "accepted"  # noqa: S105 - a choice, not a secret
        return permission != "none"

    def _check_permission(self, request: Request) -> None:
        faults = self.injector.faults
        if faults.suspended or not self.is_welcome(request.authorization):
            raise ApiError(401, 20003, "Authenticate")
        if faults.region_disabled:
            raise ApiError(403, 50385, "Conversations is disabled in this region")
        writes = self._permissions[request.authorization] != "read" and "writes" not in self.behaviour.forbidden
        if request.method != "GET" and not writes:
            raise _no_permission()

    def _serve(self, request: Request, route: Route, path: str, query: str, request_id: str) -> Response:
        handler = route.handlers.get(request.method)
        if handler is None:
            raise ApiError(405, 20004, "Method not allowed")
        service = self._service(route)
        if service is None:
            raise ApiError(404, 20404, f"The requested resource {path} was not found")
        family = f"{self.base_url}/v1" if route.service_sid is None else f"{self.base_url}/v1/Services/{service.sid}"
        context = Context(
            world=self.world,
            behaviour=self.behaviour,
            injector=self.injector,
            other_clients=self.other_clients,
            actions=self._actions,
            service=service,
            urls=UrlContext(self.credentials.account_sid, service.sid, family, self.injector.faults.extra_fields),
            base_url=self.base_url,
            path=path,
            query=_query(query),
            form=_form(request),
            request_id=request_id,
        )
        return handler(context, *route.references)

    def _is_lost(self, path: str) -> bool:
        lost = ("%[89A-F]" if name == "beyond ASCII" else name for name in self.behaviour.lost_characters)
        return any(re.search(pattern, path, re.IGNORECASE) for pattern in lost)

    def _service(self, route: Route) -> Service | None:
        return self.world.default_service if route.service_sid is None else self.world.service(route.service_sid)


def _no_permission() -> ApiError:
    return ApiError(403, 70051, "Authorization failed: the API key lacks the permission for this action")


@lru_cache(maxsize=1_000)
def _query(text: str) -> Mapping[str, str]:
    return MappingProxyType(dict(parse_qsl(text, keep_blank_values=True)))


def _form(request: Request) -> dict[str, str]:
    # Nothing but a form is understood: a JSON body holds no field that Twilio would know.
    if not request.body or not request.content_type.startswith(b"application/x-www-form-urlencoded"):
        return {}
    return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
