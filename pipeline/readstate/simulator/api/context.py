"""What a resource's code may ask while it answers one request."""

from collections.abc import Mapping
from dataclasses import dataclass

from readstate.simulator.api.action_limit import ActionBuckets
from readstate.simulator.api.behaviour import Behaviour
from readstate.simulator.api.json_templates import Place
from readstate.simulator.api.paging import PageAsked, page_asked
from readstate.simulator.api.responses import Answer, Refusal
from readstate.simulator.faults.faults import PageFaults
from readstate.simulator.faults.injector import Dice
from readstate.simulator.faults.other_clients import LiveClient
from readstate.simulator.seed.records import Conversation, Participant, User
from readstate.simulator.world.editor import Editor
from readstate.simulator.world.service import Service
from readstate.simulator.world.world import World


@dataclass(slots=True)
class Context:
    """One request with everything around it. Nobody changes it; frozen, it would take five times as long to make."""

    world: World
    behaviour: Behaviour
    dice: Dice
    live_client: LiveClient
    actions: ActionBuckets
    service: Service
    place: Place
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

    def not_found(self, code: int) -> Refusal:
        """Refuse because something does not exist; *code* is used where the account is that specific."""
        code = code if self.behaviour.not_found_code == "specific" else 20404
        return Refusal(404, code, f"The requested resource {self.path} was not found")

    def user(self, reference: str) -> User:
        """Look up the user that the path names by SID or identity."""
        user = self.service.find_user(reference)
        if user is None or self.dice.user_vanishes(user.sid):
            raise self.not_found(50200)
        return user

    def user_key(self, reference: str) -> tuple[int, str]:
        """Look up no more than the number and the SID of the user that the path names: all that a list needs."""
        key = self.service.find_user_key(reference)
        if key is None or self.dice.user_vanishes(key[1]):
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
        """Count a change against the account's actions per second: of a conversation, or of the service."""
        scope = (self.service.number, None if conversation is None else conversation.number)
        if not self.actions.take(scope, self.behaviour.actions_per_second):
            code = self.behaviour.actions_code
            text = "Actions per second limit exceeded" if code == 50063 else "Global APS limit exceeded"
            raise Refusal(429, code, text)

    def page(self, *, maximum: int) -> tuple[PageAsked, PageFaults]:
        """Say which page is asked for, and what is wrong with it."""
        asked = page_asked(self.query, maximum=maximum, behaviour=self.behaviour)
        return asked, self.dice.disorder(asked.number)


def ok(text: str) -> Answer:
    """Answer 200 with a JSON text."""
    return Answer(200, text.encode())


def created(text: str) -> Answer:
    """Answer 201 with a JSON text."""
    return Answer(201, text.encode())


GONE = Answer(204)
