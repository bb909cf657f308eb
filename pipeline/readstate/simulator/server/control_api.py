"""The control endpoints: a test, in this process or another, reads and changes the simulator while it runs."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from msgspec.structs import asdict

from readstate.errors import BadInput, ReadstateError
from readstate.simulator.api.api import Request
from readstate.simulator.api.behaviour import Behaviour
from readstate.simulator.api.expected_rows import Row
from readstate.simulator.api.responses import Response
from readstate.simulator.faults import scripted_actions
from readstate.simulator.faults.faults import Faults
from readstate.simulator.server.http_connection import ResponseWriter
from readstate.simulator.server.parse_options import parse_options, to_fields
from readstate.simulator.server.response_headers import bare_head
from readstate.simulator.server.simulator import Simulator
from readstate.simulator.world.dump import dump_lines

PREFIX: Final = "/_simulator/"
"""No path of Twilio begins like this."""
_EFFECTS_AT_ONCE: Final = 1_000
_USERS_AT_ONCE: Final = 100
_LONGEST_NUMBER: Final = 15
_LOOPBACK_NAMES: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})


class ControlApi:
    """Handles requests below the prefix itself and passes all others on to the simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._actions: dict[tuple[str, str], Callable[[Request], object]] = {
            ("GET", "faults"): lambda _: to_fields(simulator.faults),
            ("PUT", "faults"): self._set_faults,
            ("PATCH", "faults"): self._set_faults,
            ("GET", "behaviour"): lambda _: to_fields(simulator.behaviour),
            ("PUT", "behaviour"): self._set_behaviour,
            ("PATCH", "behaviour"): self._set_behaviour,
            ("GET", "counters"): lambda _: self._counters(),
            ("DELETE", "counters"): lambda _: self._reset_counters(),
            ("GET", "effects"): self._effects,
            ("POST", "live"): self._live,
            ("GET", "rows"): self._rows,
            ("GET", "world"): lambda _: self._world(),
        }

    def connected(self) -> None:
        self._simulator.counters.connections += 1

    def receive(self, request: Request, writer: ResponseWriter) -> None:
        """Handle a request below the prefix, or pass it on."""
        if not request.target.startswith(PREFIX):
            self._simulator.receive(request, writer)
            return
        response = self._respond(request)
        writer.send(bare_head(response, date=b"") + response.body)

    def _respond(self, request: Request) -> Response:
        if not _is_local(request, self._simulator.api.base_url):
            return _json(403, {"message": "The control endpoints answer no pages of other origins or hosts"})
        path = request.target.removeprefix(PREFIX).partition("?")[0]
        if (request.method, path) == ("GET", "dump"):
            return Response(200, "".join(dump_lines(self._simulator.world)).encode(), b"application/x-ndjson")
        action = self._actions.get((request.method, path))
        if action is None:
            names = ", ".join(sorted(f"{method} {PREFIX}{name}" for method, name in self._actions))
            return _json(404, {"message": f"There is no {request.method} {request.target}; there are {names}"})
        try:
            return _json(200, action(request))
        except ReadstateError as error:
            return _json(400, {"message": str(error)})

    def _set_faults(self, request: Request) -> object:
        base = self._simulator.faults if request.method == "PATCH" else None
        self._simulator.change_faults(parse_options(Faults, _body(request), base=base))
        return to_fields(self._simulator.faults)

    def _set_behaviour(self, request: Request) -> object:
        base = self._simulator.behaviour if request.method == "PATCH" else None
        self._simulator.change_behaviour(parse_options(Behaviour, _body(request), base=base))
        return to_fields(self._simulator.behaviour)

    def _counters(self) -> object:
        background = self._simulator.account.background
        return {
            **self._simulator.counters.as_plain(),
            "in_service": self._simulator.account.in_service,
            "background": {"arrived": background.arrived, "refused": background.refused},
        }

    def _reset_counters(self) -> object:
        before = self._counters()
        self._simulator.reset_counters()
        return before

    def _effects(self, request: Request) -> object:
        query = _query(request)
        start, limit = _number(query, "from", 0), min(_EFFECTS_AT_ONCE, _number(query, "limit", _EFFECTS_AT_ONCE))
        effects = self._simulator.world.log.effects
        shown = effects[start : start + limit]
        more = start + len(shown) < len(effects)
        return {
            "effects": [asdict(effect) for effect in shown],
            "next": start + len(shown) if more else None,
            "total": len(effects),
        }

    def _live(self, request: Request) -> object:
        return scripted_actions.perform(self._simulator.world, _body(request))

    def _rows(self, request: Request) -> object:
        simulator, query = self._simulator, _query(request)
        sid = query.get("service", simulator.world.default_service.sid)
        service = simulator.world.service(sid)
        if service is None:
            raise BadInput(f"there is no service {sid}")
        limit = min(_USERS_AT_ONCE, _number(query, "users", _USERS_AT_ONCE))
        users = list(islice(service.users(after=query.get("after", "")), limit))
        oracle = simulator.oracle()
        rows: Iterator[Row] = (row for user in users for row in oracle.user_conversations(service, user))
        return {"rows": list(rows), "next": users[-1].sid if len(users) == limit else None}

    def _world(self) -> object:
        world = self._simulator.world
        return {
            "shape": asdict(world.shape),
            "services": [service.sid for service in world.services],
            "credentials": asdict(self._simulator.credentials),
            "base_url": self._simulator.api.base_url,
        }


def _json(status: int, content: object) -> Response:
    return Response(status, msgspec.json.encode(content))


def _body(request: Request) -> dict[str, Any]:
    try:
        return msgspec.json.decode(request.body or b"{}", type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadInput(f"the body is not a JSON object: {error}") from error


def _query(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.target.partition("?")[2]))


def _number(query: dict[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdecimal() or len(text) > _LONGEST_NUMBER:
        raise BadInput(f"{name} is {text[:50]!r}, not a whole number")
    return int(text)


def _is_local(request: Request, base_url: str) -> bool:
    # A page from elsewhere may send requests to loopback. Its browser says from where (Origin), or to which name
    # (Host) where that name was made to lead to loopback.
    host = request.host.decode("latin-1")
    if host and host.rpartition(":")[0] not in _LOOPBACK_NAMES and f"http://{host}" != base_url:
        return False
    return not request.origin or request.origin.decode("latin-1") == f"http://{host}"
