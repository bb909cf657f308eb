"""The only code that changes a world; each change that takes effect is written to the effect log."""

from collections.abc import Iterable
from typing import NamedTuple

from readstate.simulator.seed.message_indices import Messages
from readstate.simulator.seed.records import Conversation, ConversationState, Message, Participant, User
from readstate.simulator.seed.sid_space import mix, subkey
from readstate.simulator.world.effect_log import EffectKind, EffectLog, Fields
from readstate.simulator.world.service import Service

_LOGGED_OF_A_USER = ("friendly_name", "attributes")
_LOGGED_OF_A_CONVERSATION = ("friendly_name", "unique_name", "attributes", "state")
_LOGGED_OF_A_MESSAGE = ("author", "body", "attributes")
_LOGGED_OF_A_PARTICIPANT = ("last_read_message_index", "last_read_timestamp", "notification_level")


class Editor:
    """Changes one service in the name of *actor*."""

    def __init__(
        self, service: Service, log: EffectLog, *, actor: str, messages_update_conversations: bool = False
    ) -> None:
        self._service = service
        self._overlay = service.overlay
        self._log = log
        self._actor = actor
        self._messages_update_conversations = messages_update_conversations

    def create_user(self, identity: str, *, friendly_name: str | None = None, attributes: str = "{}") -> User:
        """Create a user who is in no conversation yet."""
        number = self._service.seeded.users.count + len(self._overlay.created_users)
        now = int(self._log.now())
        user = User(
            number=number,
            sid=f"US{self._new_sid('user', number)}",
            identity=identity,
            friendly_name=friendly_name,
            attributes=attributes,
            role_sid=self._service.seeded.role_sid,
            is_online=None,
            is_notifiable=None,
            date_created=now,
            date_updated=now,
        )
        self._overlay.created_users[user.sid] = number
        self._overlay.users[number] = user
        self._record("user.created", user=user, after={"identity": identity})
        return user

    def update_user(self, old: User, new: User) -> User:
        """Replace a user by *new*, which has the fields that a request has set."""
        new = new._replace(date_updated=int(self._log.now()))
        self._overlay.users[old.number] = new
        fields = [name for name in _LOGGED_OF_A_USER if getattr(old, name) != getattr(new, name)]
        self._record("user.updated", user=old, before=_picked(old, fields), after=_picked(new, fields))
        return new

    def delete_user(self, user: User) -> None:
        """Delete a user and all the memberships."""
        for listed in self._service.conversations_of(user.number):
            if (membership := self._service.listed_membership(listed, user.number)) is not None:
                self.remove_participant(*membership)
        self._overlay.users[user.number] = None
        self._record("user.deleted", user=user, before={"identity": user.identity})

    def create_conversation(
        self,
        *,
        friendly_name: str | None = None,
        unique_name: str | None = None,
        attributes: str = "{}",
        state: ConversationState = "active",
    ) -> Conversation:
        """Create a conversation without members and messages."""
        number = self._service.seeded.conversations.count + len(self._overlay.created_conversations)
        now = int(self._log.now())
        conversation = Conversation(
            number=number,
            sid=f"CH{self._new_sid('conversation', number)}",
            friendly_name=friendly_name,
            unique_name=unique_name,
            state=state,
            date_inactive=None,
            date_closed=None,
            attributes=attributes,
            created_by="system",
            date_created=now,
            date_updated=now,
            messages=Messages(-1),
        )
        self._overlay.created_conversations[conversation.sid] = number
        self._overlay.conversations[number] = conversation
        self._record("conversation.created", conversation=conversation, after={"unique_name": unique_name})
        return conversation

    def update_conversation(self, old: Conversation, new: Conversation) -> Conversation:
        """Replace a conversation by *new*, which has the fields that a request has set."""
        new = new._replace(date_updated=int(self._log.now()))
        self._overlay.conversations[old.number] = new
        fields = [name for name in _LOGGED_OF_A_CONVERSATION if getattr(old, name) != getattr(new, name)]
        self._record("conversation.updated", old, before=_picked(old, fields), after=_picked(new, fields))
        return new

    def delete_conversation(self, conversation: Conversation) -> None:
        """Delete a conversation and all the memberships in it."""
        for participant in self._service.participants(conversation):
            self.remove_participant(conversation, participant)
        self._overlay.conversations[conversation.number] = None
        self._record("conversation.deleted", conversation, before={"unique_name": conversation.unique_name})

    def add_participant(self, conversation: Conversation, user: User, *, attributes: str = "{}") -> Participant:
        """Put a user into a conversation: a new membership, whose read horizon was never set."""
        serial = len(self._overlay.added_participants)
        now = int(self._log.now())
        participant = Participant(
            sid=f"MB{self._new_sid('participant', serial)}",
            user=user.number,
            last_read_message_index=None,
            last_read_timestamp=None,
            notification_level="default",
            date_created=now,
            date_updated=now,
            attributes=attributes,
        )
        self._overlay.added_participants[participant.sid] = (conversation.number, user.number)
        self._overlay.put_participant(
            conversation.number, participant, seeded=self._service.is_seeded(conversation.number, user.number)
        )
        self._service.forget_lists()
        self._record("participant.added", conversation, participant, user, after=_logged(participant))
        return participant

    def update_participant(self, conversation: Conversation, old: Participant, new: Participant) -> None:
        """Replace a membership by *new*, which has the fields that a request has set."""
        self._overlay.participants[conversation.number, old.user] = new
        self._record("participant.updated", conversation, old, before=_logged(old), after=_logged(new))

    def remove_participant(self, conversation: Conversation, participant: Participant) -> None:
        """End a membership; the conversation and the user stay."""
        self._overlay.participants[conversation.number, participant.user] = None
        self._service.forget_lists()
        self._record("participant.removed", conversation, participant, before=_logged(participant))

    def add_message(
        self, conversation: Conversation, *, author: str | None, body: str | None, attributes: str = "{}"
    ) -> int:
        """Add a message of now and return its index; an inactive conversation becomes active."""
        messages = conversation.messages.with_message()
        index = messages.last_ever
        now = int(self._log.now())
        self._overlay.conversations[conversation.number] = conversation._replace(
            messages=messages,
            state="active" if conversation.state == "inactive" else conversation.state,
            date_updated=now if self._messages_update_conversations else conversation.date_updated,
        )
        sid = self._service.seeded.message_sid(conversation.number, index)
        message = Message(sid, index, author, body, now, attributes=attributes)
        self._overlay.messages[conversation.number, index] = message
        self._record("message.added", conversation=conversation, after={"index": index})
        return index

    def update_message(self, conversation: Conversation, old: Message, new: Message) -> Message:
        """Replace a message by *new*, which has the fields that a request has set."""
        new = new._replace(date_updated=int(self._log.now()))
        self._overlay.messages[conversation.number, old.at] = new
        fields = [name for name in _LOGGED_OF_A_MESSAGE if getattr(old, name) != getattr(new, name)]
        before, after = ({"index": old.at, **_picked(message, fields)} for message in (old, new))
        self._record("message.updated", conversation=conversation, before=before, after=after)
        return new

    def delete_message(self, conversation: Conversation, index: int) -> None:
        """Delete the message at *index*; its index is not given out again."""
        messages = conversation.messages.without(index)
        self._overlay.conversations[conversation.number] = conversation._replace(messages=messages)
        self._record("message.deleted", conversation=conversation, before={"index": index})

    def _record(
        self,
        kind: EffectKind,
        conversation: Conversation | None = None,
        participant: Participant | None = None,
        user: User | None = None,
        *,
        before: Fields | None = None,
        after: Fields | None = None,
    ) -> None:
        if participant is not None and user is None:
            user = self._service.user(participant.user)
        self._log.record(
            kind,
            actor=self._actor,
            chat_service_sid=self._service.sid,
            user_sid=user.sid if user else None,
            conversation_sid=conversation.sid if conversation else None,
            participant_sid=participant.sid if participant else None,
            before=before,
            after=after,
        )

    def _new_sid(self, kind: str, serial: int) -> str:
        return f"{mix(serial, subkey(self._service.number, self._service.sid, 'created', kind)):032x}"


def _logged(participant: Participant) -> Fields:
    return _picked(participant, _LOGGED_OF_A_PARTICIPANT)


def _picked(record: NamedTuple, names: Iterable[str]) -> Fields:
    return {name: getattr(record, name) for name in names}
