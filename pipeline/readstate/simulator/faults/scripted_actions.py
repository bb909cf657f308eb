"""Actions of other clients that a test requests by name."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from readstate.errors import BadInput
from readstate.simulator.faults.other_clients import ACTOR
from readstate.simulator.seed.records import Conversation, Participant, User
from readstate.simulator.world.editor import Editor
from readstate.simulator.world.service import Service
from readstate.simulator.world.world import World

Thing = TypeVar("Thing")


def perform(world: World, request: Mapping[str, Any]) -> dict[str, object]:
    """Carry out *request*: its `action` with the `service`, `user`, `conversation` and values that it needs."""
    action = _ACTIONS.get(str(request.get("action")))
    if action is None:
        raise BadInput(f"there is no action {request.get('action')!r}; there are {', '.join(_ACTIONS)}")
    return action(_Target(world, request))


class _Target:
    """Finds what a request names."""

    def __init__(self, world: World, request: Mapping[str, Any]) -> None:
        self._world = world
        self._request = request

    @property
    def now(self) -> int:
        return int(self._world.now())

    @property
    def service(self) -> Service:
        sid = self._request.get("service", self._world.default_service.sid)
        return self._found(self._world.service(sid), "service")

    @property
    def editor(self) -> Editor:
        return self._world.edit(self.service, actor=ACTOR)

    @property
    def user(self) -> User:
        return self._found(self.service.find_user(self.text("user")), "user")

    @property
    def conversation(self) -> Conversation:
        return self._found(self.service.find_conversation(self.text("conversation")), "conversation")

    @property
    def participant(self) -> Participant:
        return self._found(self.service.participant(self.conversation, self.user.number), "participant")

    def text(self, name: str) -> str:
        if name not in self._request:
            raise BadInput(f"the action {self._request['action']!r} needs {name!r}")
        return str(self._request[name])

    def number(self, name: str) -> int | None:
        self.text(name)
        value = self._request[name]
        if value is not None and type(value) is not int:
            raise BadInput(f"{name} is {value!r}, neither a whole number nor null")
        return value

    def _found(self, thing: Thing | None, name: str) -> Thing:
        if thing is None:
            raise BadInput(f"there is no such {name}: {self._request.get(name)!r}")
        return thing


def _move_horizon(target: _Target) -> dict[str, object]:
    old, index = target.participant, target.number("last_read_message_index")
    new = old._replace(
        last_read_message_index=index,
        last_read_timestamp=None if index is None else target.now,
        date_updated=target.now,
    )
    target.editor.update_participant(target.conversation, old, new)
    return {"before": old.last_read_message_index, "after": index}


def _remove_participant(target: _Target) -> dict[str, object]:
    participant = target.participant
    target.editor.remove_participant(target.conversation, participant)
    return {"participant_sid": participant.sid}


def _add_participant(target: _Target) -> dict[str, object]:
    return {"participant_sid": target.editor.add_participant(target.conversation, target.user).sid}


def _add_message(target: _Target) -> dict[str, object]:
    return {"index": target.editor.add_message(target.conversation, author=None, body="live")}


def _delete_newest_message(target: _Target) -> dict[str, object]:
    newest = target.conversation.messages.newest()
    if newest is None:
        raise BadInput("the conversation has no message")
    target.editor.delete_message(target.conversation, newest)
    return {"index": newest}


def _close_conversation(target: _Target) -> dict[str, object]:
    conversation = target.conversation
    return {"state": target.editor.update_conversation(conversation, conversation._replace(state="closed")).state}


def _rename_user(target: _Target) -> dict[str, object]:
    user = target.user
    return {"friendly_name": target.editor.update_user(user, user._replace(friendly_name="renamed")).friendly_name}


def _delete_user(target: _Target) -> dict[str, object]:
    user = target.user
    target.editor.delete_user(user)
    return {"user_sid": user.sid}


_ACTIONS: Final[dict[str, Callable[[_Target], dict[str, object]]]] = {
    "move_horizon": _move_horizon,
    "remove_participant": _remove_participant,
    "add_participant": _add_participant,
    "add_message": _add_message,
    "delete_newest_message": _delete_newest_message,
    "close_conversation": _close_conversation,
    "rename_user": _rename_user,
    "delete_user": _delete_user,
}
