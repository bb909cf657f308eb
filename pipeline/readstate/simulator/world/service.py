"""The current state of a chat service: what the seed made, with the changes on top."""

from collections.abc import Callable, Iterator
from heapq import merge

from readstate.simulator.seed.records import Conversation, Message, Participant, User
from readstate.simulator.seed.seeded_service import SeededService
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.world.ordered_records import OrderedRecords
from readstate.simulator.world.overlay import Overlay

MAX_CACHED_CONVERSATIONS = 20_000
MAX_CACHED_LISTS = 500
_WORTH_CACHING = 50

Listed = tuple[str, int]
"""A conversation's SID and number: sorts by SID."""


class Service:
    """Finds and lists users, conversations and memberships; `Editor` changes them."""

    def __init__(self, shape: WorldShape, number: int) -> None:
        self.number = number
        self.seeded = SeededService(shape, number)
        self.sid = self.seeded.sid
        self.friendly_name = self.seeded.friendly_name
        self.date_created = self.seeded.date_created
        self.overlay = Overlay()
        self._conversations: dict[int, Conversation] = {}
        self._lists: dict[int, list[Listed]] = {}
        self._ordered_users: dict[str, OrderedRecords[User]] = {}
        self._ordered_conversations: dict[str, OrderedRecords[Conversation]] = {}

    def forget_lists(self) -> None:
        """Drop what was remembered of lists, because a membership came or went."""
        self._lists.clear()

    def user(self, number: int) -> User | None:
        """Look up a user by number."""
        if number in self.overlay.users:
            return self.overlay.users[number]
        return self.seeded.user(number) if number < self.seeded.users.count else None

    def find_user(self, reference: str) -> User | None:
        """Look up a user by SID or identity."""
        number = self.overlay.created_users.get(reference)
        if number is None:
            number = self.seeded.users.number_of(reference)
        if number is None:
            number = self._user_named(reference)
        return None if number is None else self.user(number)

    def find_user_key(self, reference: str) -> tuple[int, str] | None:
        """Look up the number and the SID of a user by SID or identity; quicker than the whole user."""
        number = self.seeded.users.number_of(reference)
        if number is not None and number not in self.overlay.users:
            return number, reference
        user = self.find_user(reference)
        return None if user is None else (user.number, user.sid)

    def users(self, *, after: str = "") -> Iterator[User]:
        """Walk all users in SID order, beginning after a SID."""
        space = self.seeded.users
        places = range(space.first_place_after(after), space.count)
        created = sorted((user for user in self._created_users() if user.sid > after), key=_sid_of_user)
        return merge(self._users_at(places), created, key=_sid_of_user) if created else self._users_at(places)

    def users_down(self, *, before: str) -> Iterator[User]:
        """Walk all users against SID order, beginning before a SID; all of them where it is empty."""
        space = self.seeded.users
        places = range((space.first_place_from(before) if before else space.count) - 1, -1, -1)
        created = (user for user in self._created_users() if not before or user.sid < before)
        return merge(
            self._users_at(places), sorted(created, key=_sid_of_user, reverse=True), key=_sid_of_user, reverse=True
        )

    def users_by(self, name: str, key: Callable[[User], str]) -> OrderedRecords[User]:
        """Return all users in the order of *key*, which *name* stands for."""
        if name not in self._ordered_users:
            self._ordered_users[name] = OrderedRecords(
                self.seeded.users.count, self.seeded.user, self.overlay.users, key
            )
        return self._ordered_users[name]

    def conversation(self, number: int, sid: str | None = None) -> Conversation | None:
        """Look up a conversation by number; a known *sid* saves time."""
        if number in self.overlay.conversations:
            return self.overlay.conversations[number]
        found = self._conversations.get(number)
        if found is None and number < self.seeded.conversations.count:
            found = self.seeded.conversation(number, sid)
            if len(self._conversations) >= MAX_CACHED_CONVERSATIONS:
                self._conversations.clear()
            self._conversations[number] = found
        return found

    def find_conversation(self, reference: str) -> Conversation | None:
        """Look up a conversation by SID or unique name."""
        number = self.overlay.created_conversations.get(reference)
        if number is None:
            number = self.seeded.conversations.number_of(reference)
        if number is None:
            number = self._conversation_named(reference)
        return None if number is None else self.conversation(number)

    def conversations(self, *, after: str = "") -> Iterator[Conversation]:
        """Walk all conversations in SID order, beginning after a SID."""
        space = self.seeded.conversations
        places = range(space.first_place_after(after), space.count)
        created = sorted((found for found in self._created_conversations() if found.sid > after), key=_sid_of)
        return merge(self._conversations_at(places), created, key=_sid_of)

    def conversations_down(self, *, before: str) -> Iterator[Conversation]:
        """Walk all conversations against SID order, beginning before a SID; all of them where it is empty."""
        space = self.seeded.conversations
        places = range((space.first_place_from(before) if before else space.count) - 1, -1, -1)
        created = (found for found in self._created_conversations() if not before or found.sid < before)
        return merge(
            self._conversations_at(places), sorted(created, key=_sid_of, reverse=True), key=_sid_of, reverse=True
        )

    def conversations_by(self, name: str, key: Callable[[Conversation], str]) -> OrderedRecords[Conversation]:
        """Return all conversations in the order of *key*, which *name* stands for."""
        if name not in self._ordered_conversations:
            self._ordered_conversations[name] = OrderedRecords(
                self.seeded.conversations.count, self.seeded.conversation, self.overlay.conversations, key
            )
        return self._ordered_conversations[name]

    def participant(self, conversation: Conversation, user: int) -> Participant | None:
        """Look up the membership of the user numbered *user*."""
        key = (conversation.number, user)
        if key in self.overlay.participants:
            return self.overlay.participants[key]
        return self.seeded.participant(conversation, user) if self.is_seeded(*key) else None

    def listed_membership(self, listed: Listed, user: int) -> tuple[Conversation, Participant] | None:
        """Look up what `conversations_of` has listed for *user*: quicker, because the membership is known."""
        sid, number = listed
        conversation = self.conversation(number, sid)
        if conversation is None:
            return None
        if self.overlay.participants and (number, user) in self.overlay.participants:
            participant = self.overlay.participants[number, user]
            return None if participant is None else (conversation, participant)
        return conversation, self.seeded.participant(conversation, user)

    def find_participant(self, conversation: Conversation, reference: str) -> Participant | None:
        """Look up a membership by its own SID or by the user's identity."""
        if (added := self.overlay.added_participants.get(reference)) is not None:
            user: int | None = added[1]
        elif reference.startswith("MB") and (user := self.seeded.user_of_participant_sid(reference)) is not None:
            found = self.participant(conversation, user)
            return found if found is not None and found.sid == reference else None
        else:
            return self.member_named(conversation, reference)
        return None if user is None else self.participant(conversation, user)

    def member_named(self, conversation: Conversation, identity: str) -> Participant | None:
        """Look up the membership of the user called *identity*."""
        user = self._user_named(identity)
        return None if user is None else self.participant(conversation, user)

    def participants(self, conversation: Conversation) -> list[Participant]:
        """List the members of *conversation* in SID order."""
        members = (
            []
            if conversation.number >= self.seeded.conversations.count
            else (self.seeded.memberships.members_of(conversation.number))
        )
        members = [*members, *self.overlay.added_members.get(conversation.number, ())]
        found = (self.participant(conversation, user) for user in members)
        return sorted(participant for participant in found if participant is not None)

    def conversations_of(self, user: int) -> list[Listed]:
        """List the conversations that a user is in, in SID order."""
        listed = self._lists.get(user)
        if listed is None:
            listed = self._list(user)
            if len(listed) > _WORTH_CACHING:
                if len(self._lists) >= MAX_CACHED_LISTS:
                    self._lists.clear()
                self._lists[user] = listed
        return listed

    def message(self, conversation: Conversation, index: int) -> Message:
        """Return the message at *index*, which the caller knows to exist."""
        changed = self.overlay.messages.get((conversation.number, index))
        if changed is not None:
            return changed
        sid = self.seeded.message_sid(conversation.number, index)
        author = self.seeded.author_of(conversation.number, index)
        return Message(sid, index, author, f"Message {index}", conversation.date_created + 60 * index)

    def is_seeded(self, conversation: int, user: int) -> bool:
        """Return whether the seed put this user into this conversation."""
        seeded = self.seeded
        return (
            conversation < seeded.conversations.count
            and user < seeded.users.count
            and seeded.memberships.has(conversation, user)
        )

    def _users_at(self, places: range) -> Iterator[User]:
        numbers = map(self.seeded.users.number_at, places)
        return (user for number in numbers if (user := self.user(number)) is not None)

    def _created_users(self) -> Iterator[User]:
        numbers = self.overlay.created_users.values()
        return (user for number in numbers if (user := self.overlay.users[number]) is not None)

    def _conversations_at(self, places: range) -> Iterator[Conversation]:
        numbers = map(self.seeded.conversations.number_at, places)
        return (found for number in numbers if (found := self.conversation(number)) is not None)

    def _created_conversations(self) -> Iterator[Conversation]:
        numbers = self.overlay.created_conversations.values()
        return (found for number in numbers if (found := self.overlay.conversations[number]) is not None)

    def _list(self, user: int) -> list[Listed]:
        overlay, seeded = self.overlay, self.seeded
        numbers = seeded.memberships.conversations_of(user) if user < seeded.users.count else []
        if overlay.added_conversations:
            numbers = [*numbers, *overlay.added_conversations.get(user, ())]
        if overlay.participants:
            numbers = [number for number in numbers if overlay.participants.get((number, user), ...) is not None]
        if overlay.created_conversations:
            return sorted((found.sid, number) for number in numbers if (found := self.conversation(number)))
        sid_of = seeded.conversations.sid_of
        return sorted([(sid_of(number), number) for number in numbers])

    def _user_named(self, identity: str) -> int | None:
        created = (user.number for user in self._created_users() if user.identity == identity)
        number = next(created, None)
        return number if number is not None else self.seeded.user_named(identity)

    def _conversation_named(self, unique_name: str) -> int | None:
        for number, found in self.overlay.conversations.items():
            if found is not None and found.unique_name == unique_name:
                return number
        number_by_seed = self.seeded.conversation_named(unique_name)
        return None if number_by_seed in self.overlay.conversations else number_by_seed


def _sid_of(conversation: Conversation) -> str:
    return conversation.sid


def _sid_of_user(user: User) -> str:
    return user.sid
