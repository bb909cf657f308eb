"""What the code of a resource may use while it handles one request."""

from collections.abc import Mapping

from msgspec import Struct

from readstate.simulator.api.action_limit import ActionBuckets
from readstate.simulator.api.behaviour import Behaviour
from readstate.simulator.api.json_templates import UrlContext
from readstate.simulator.api.responses import ApiError, Response
from readstate.simulator.faults.injector import FaultInjector
from readstate.simulator.faults.other_clients import OtherClients
from readstate.simulator.seed.records import Conversation, Participant, User
from readstate.simulator.world.editor import Editor
from readstate.simulator.world.service import Service
from readstate.simulator.world.world import World


class Context(Struct):
    """One request with its dependencies. Treated as immutable; frozen, it would take five times as long to make."""

    world: World
    behaviour: Behaviour
    injector: FaultInjector
    other_clients: OtherClients
    actions: ActionBuckets
    service: Service
    urls: UrlContext
    base_url: str
    path: str
    """The path as it was sent: what a 404 quotes, and what the links of a page repeat."""
    query: Mapping[str, str]
    form: Mapping[str, str]
    request_id: str

    @property
    def now(self) -> int:
        """Seconds since 1970."""
        return int(self.world.now())

    def editor(self) -> Editor:
        """Open the service for changes in the name of this request."""
        return self.world.edit(self.service, actor=self.request_id)

    def not_found(self, code: int) -> ApiError:
        """Return a 404 with *code*, or with the general one as the behaviour says."""
        code = code if self.behaviour.not_found_code == "specific" else 20404
        return ApiError(404, code, f"The requested resource {self.path} was not found")

    def user(self, reference: str) -> User:
        """Look up the user that the path names by SID or identity."""
        user = self.service.find_user(reference)
        if user is None or self.injector.user_vanishes(user.sid):
            raise self.not_found(50200)
        return user

    def user_key(self, reference: str) -> tuple[int, str]:
        """Return the number and the SID of the user that the path names: all that a list needs."""
        key = self.service.find_user_key(reference)
        if key is None or self.injector.user_vanishes(key[1]):
            raise self.not_found(50200)
        return key

    def conversation(self, reference: str) -> Conversation:
        """Look up the conversation that the path names by SID or unique name."""
        conversation = self.service.find_conversation(reference)
        if conversation is None:
            raise self.not_found(50350)
        return conversation

    def member(self, conversation: Conversation, user: User) -> Participant:
        """Look up the membership of *user*."""
        participant = self.service.participant(conversation, user.number)
        if participant is None:
            raise self.not_found(50430)
        return participant

    def count_action(self, conversation: Conversation | None = None) -> None:
        """Count a change against the actions per second of the service, or of *conversation* alone."""
        if self.behaviour.actions_scope == "service":
            conversation = None
        scope = (self.service.number, None if conversation is None else conversation.number)
        if not self.actions.take(scope, self.behaviour.actions_per_second):
            code = self.behaviour.actions_code
            text = "Actions per second limit exceeded" if code == 50063 else "Global APS limit exceeded"
            raise ApiError(429, code, text)


def ok(text: str) -> Response:
    """Return a response of status 200 with a JSON text."""
    return Response(200, text.encode())


def created(text: str) -> Response:
    """Return a response of status 201 with a JSON text."""
    return Response(201, text.encode())


GONE = Response(204)
