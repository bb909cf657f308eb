"""Every answer of the simulator validates against the official description, wherever that lies beside the checkout."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from readstate.simulator.api import routes
from readstate.simulator.api.routes import find_route
from readstate.simulator.seed.world_shape import WorldShape
from tests.helpers.repository import DESCRIPTION
from tests.helpers.simulated_api import SimulatedApi

pytestmark = pytest.mark.skipif(not DESCRIPTION.exists(), reason="the official description is not beside the checkout")


def _strict(node: Any) -> Any:
    """Make the description checkable: where it says `nullable` without a type, tools skip the whole body silently."""
    if isinstance(node, list):
        return [_strict(part) for part in node]
    if not isinstance(node, dict):
        return node
    strict = {name: _strict(part) for name, part in node.items() if name not in {"nullable", "examples", "example"}}
    if node.get("nullable") and "type" in node:
        strict["type"] = [node["type"], "null"]
    if isinstance(node.get("properties"), dict):
        strict["required"] = sorted(node["properties"])
        strict["additionalProperties"] = False
    return strict


class Conformance:
    """Checks a body against what the description promises for a path and a method."""

    def __init__(self) -> None:
        description = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
        self._paths: dict[str, Any] = description["paths"]
        self._components = _strict(description["components"])
        self._validators: dict[tuple[str, str, str], Any] = {}
        self.checked: set[tuple[str, str]] = set()

    def errors(self, method: str, template: str, status: int, body: Any) -> list[str]:
        """Return what is wrong with an answer."""
        responses = self._paths[self._known(template)][method.lower()]["responses"]
        if str(status) not in responses:
            return [f"{status} is not among {sorted(responses)}"]
        self.checked.add((method, template))
        content = responses[str(status)].get("content")
        if content is None:
            return [] if body is None else ["there should be no body"]
        key = (method, template, str(status))
        if key not in self._validators:
            schema = {**_strict(content["application/json"]["schema"]), "components": self._components}
            self._validators[key] = jsonschema_rs.validator_for(schema, validate_formats=True)
        return [f"{error.instance_path}: {error.message}" for error in self._validators[key].iter_errors(body)]

    def _known(self, template: str) -> str:
        shape = _shape(template)
        return next(path for path in self._paths if _shape(path) == shape)


def _shape(path: str) -> str:
    return "/".join("*" if part.startswith("{") else part for part in path.split("/"))


class CheckedApi(SimulatedApi):
    """Checks everything that it is answered."""

    def __init__(self, conformance: Conformance, shape: WorldShape) -> None:
        super().__init__(shape)
        self._conformance = conformance

    def ask(self, method: str, target: str, **options: Any) -> Any:
        reply = super().ask(method, target, **options)
        if reply.status < 400:
            route = find_route("/v1" + target.partition("?")[0].partition("/v1")[2])
            assert route is not None
            assert self._conformance.errors(method, route.template, reply.status, reply.body) == []
        return reply


def _links(body: Any) -> Iterator[str]:
    yield body["url"]
    yield body["links"]["participant"]
    yield body["links"]["conversation"]


def _read_everything(api: SimulatedApi, family: str) -> None:
    for item in api.rows("/v1/Services"):
        api.get(item["url"])
    api.get("/v1/Configuration")
    for user in api.rows(f"{family}/Users"):
        api.get(user["url"])
        for row in api.rows(user["links"]["user_conversations"]):
            assert [api.ask("GET", link).status for link in _links(row)] == [200, 200, 200]
    for conversation in api.rows(f"{family}/Conversations"):
        api.rows(conversation["links"]["participants"])
        for message in api.get(f"{conversation['links']['messages']}?Order=desc&PageSize=2")["messages"]:
            api.get(message["url"])


def _change_everything(api: SimulatedApi, family: str) -> None:
    user = api.ask("POST", f"{family}/Users", Identity="anna").body
    api.ask("POST", user["url"], FriendlyName="Anna")
    conversation = api.ask("POST", f"{family}/Conversations", UniqueName="x", FriendlyName="X").body
    api.ask("POST", conversation["url"], FriendlyName="Y")
    participants = conversation["links"]["participants"]
    participant = api.ask("POST", participants, Identity="anna").body
    member = api.ask("POST", participants, Identity="bob").body
    message = api.ask("POST", conversation["links"]["messages"], Body="hello", Author="anna").body
    api.ask("POST", message["url"], Body="hello again")
    api.ask("POST", participant["url"], LastReadMessageIndex="0")
    row = api.rows(user["links"]["user_conversations"])[0]
    api.ask("POST", row["url"], NotificationLevel="muted", LastReadMessageIndex="null")
    everything = (message, member, row, conversation, user)
    assert [api.ask("DELETE", item["url"]).status for item in everything] == [204] * 5


def _change_the_account(api: SimulatedApi) -> None:
    service = api.ask("POST", "/v1/Services", FriendlyName="New").body
    api.ask("POST", "/v1/Configuration", DefaultInactiveTimer="PT10M")
    assert api.ask("DELETE", service["url"]).status == 204


def test_every_response_of_every_operation_is_what_the_description_promises() -> None:
    conformance = Conformance()
    api = CheckedApi(conformance, WorldShape(users=120, services=2, odd_identities=0.5))
    for family in ("/v1", *(f"/v1/Services/{service.sid}" for service in api.world.services)):
        _read_everything(api, family)
        _change_everything(api, family)
    _change_the_account(api)

    tables = [
        ("/v1/", routes.SERVICE_ROUTES),
        ("/v1/Services/{ChatServiceSid}/", routes.SERVICE_ROUTES),
        ("/v1/", routes.ACCOUNT_ROUTES),
    ]
    operations = {
        (method, prefix + name) for prefix, table in tables for name, handlers in table.items() for method in handlers
    }
    undescribed = {
        ("GET", "/v1/ParticipantConversations"),
        ("GET", "/v1/Services/{ChatServiceSid}/ParticipantConversations"),
    }
    assert operations - conformance.checked == undescribed


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("conversation_sid", "CHwrong"),
        ("conversation_state", "initializing"),
        ("notification_level", None),
        ("unread_messages_count", "3"),
        ("attributes", {}),
        ("date_created", "yesterday"),
        ("links", []),
        ("unheard_of", 1),
        ("friendly_name", ...),
    ],
)
def test_a_wrong_body_is_noticed(field: str, value: Any) -> None:
    conformance = Conformance()
    api = SimulatedApi(WorldShape(users=30))
    page = next(
        page
        for user in api.service.users()
        if (page := api.get(f"/v1/Users/{user.sid}/Conversations"))["conversations"]
    )
    wrong = copy.deepcopy(page)
    if value is ...:
        del wrong["conversations"][0][field]
    else:
        wrong["conversations"][0][field] = value
    template = "/v1/Users/{UserSid}/Conversations"

    assert conformance.errors("GET", template, 200, page) == []
    assert conformance.errors("GET", template, 200, wrong) != []
    assert conformance.errors("GET", template, 201, page) != []
