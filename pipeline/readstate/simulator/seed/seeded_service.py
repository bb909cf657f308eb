"""One service exactly as the seed made it: every fact a function of the seed and a number, nothing remembered."""

from typing import Final

from readstate.simulator.seed.identities import Identities
from readstate.simulator.seed.memberships import Memberships
from readstate.simulator.seed.message_indices import Messages
from readstate.simulator.seed.records import Conversation, ConversationState, Participant, User
from readstate.simulator.seed.sid_space import SidSpace, mix, subkey
from readstate.simulator.seed.world_shape import WorldShape

_BEGINNING: Final = 1_640_995_200  # 2022-01-01T00:00:00Z
_SPAN: Final = 86_400 * 1_000
_STATES: Final[tuple[ConversationState, ...]] = (
    "active", "active", "active", "active", "active", "inactive", "closed", "active",
)  # fmt: skip
_LENGTHS: Final = (0, 1, 2, 3, 5, 8, 12, 20, 20, 35, 60, 90, 150, 400, 1_000, 2_500)
_GAPS: Final = (0, 0, 3, 7, 0, 50, 2, 0)
_FRIENDLY_NAMES: Final = (
    None, "Order {}", "Order {}", "Größe & Co. <{}>", 'The "best" of {}', None, "会話 {}", "Ticket {}",
)  # fmt: skip
_UNIQUE_NAMES: Final = (None, None, None, None, "order/{}", "ticket-{}", "case {}", "größe-{}")
_ATTRIBUTES: Final = (
    "{}", "{}", "{}", '{"topic": "feedback"}', '{"vip": true, "note": "ä\\n\\"q\\""}', "{}", "{}", "{}",
)  # fmt: skip
_MASK_96: Final = (1 << 96) - 1


class SeededService:
    """Users, conversations and memberships of the service numbered *service*, before anything was changed."""

    def __init__(self, shape: WorldShape, service: int) -> None:
        key = subkey(shape.seed, "service", service)
        self.number = service
        self.sid = f"IS{mix(0, key):032x}"
        self.friendly_name = "Default Conversations Service" if service == 0 else f"Service {service}"
        self.date_created = _BEGINNING - 86_400
        self.role_sid = f"RL{mix(1, key):032x}"
        # The same number is the same person in every service: one identity, several users.
        self.identities = Identities(shape.odd_identities, subkey(shape.seed, "identity"))
        self.users = SidSpace("US", shape.users_of(service), subkey(key, "user"))
        self.memberships = Memberships(
            users=self.users.count,
            mean=shape.conversations_per_user,
            heaviest=shape.heaviest_of(service),
            key=subkey(key, "membership"),
        )
        self.conversations = SidSpace("CH", self.memberships.conversations, subkey(key, "conversation"))
        self._user_key = subkey(key, "user facts")
        self._conversation_key = subkey(key, "conversation facts")
        self._participant_key = subkey(key, "participant facts")
        self._message_key = subkey(key, "message")
        self._author_key = subkey(key, "author")

    def user(self, number: int) -> User:
        """Return everything about the user *number*."""
        bits = mix(number, self._user_key)
        created = _BEGINNING + bits % _SPAN
        return User(
            number=number,
            sid=self.users.sid_of(number),
            identity=self.identities.identity_of(number),
            friendly_name=None if bits >> 30 & 3 == 0 else f"User {number}",
            attributes=_ATTRIBUTES[bits >> 33 & 7],
            role_sid=self.role_sid,
            is_online=None if bits >> 36 & 1 else bool(bits >> 37 & 1),
            is_notifiable=None,
            date_created=created,
            date_updated=created + (bits >> 40 & 0xFFFFF),
        )

    def user_named(self, identity: str) -> int | None:
        """Find the number of the user called *identity*."""
        number = self.identities.user_of(identity)
        return number if number is not None and number < self.users.count else None

    def conversation(self, number: int, sid: str | None = None) -> Conversation:
        """Return everything about the conversation *number*, except who is in it; a known *sid* saves time."""
        bits = mix(number, self._conversation_key)
        created = _BEGINNING + bits % _SPAN
        state = _STATES[bits >> 30 & 7]
        friendly_name = _FRIENDLY_NAMES[bits >> 33 & 7]
        unique_name = _UNIQUE_NAMES[bits >> 36 & 7]
        timed = bits >> 39 & 7
        return Conversation(
            number,
            sid or self.conversations.sid_of(number),
            friendly_name.format(number) if friendly_name else None,
            unique_name.format(number) if unique_name else None,
            state,
            created + 3_600_000 if timed == 1 and state == "active" else None,
            created + 7_200_000 if timed in {1, 2} and state != "closed" else None,
            _ATTRIBUTES[bits >> 42 & 7],
            "system" if bits >> 45 & 3 else None,
            created,
            created + (bits >> 50 & 0xFFFFFF),
            self._messages(bits >> 74),
        )

    def conversation_named(self, unique_name: str) -> int | None:
        """Find the number of the conversation called *unique_name*."""
        digits = "".join(filter(str.isdecimal, unique_name))
        if not digits.isascii() or not digits:
            return None
        number = int(digits)
        if number < self.conversations.count and self.conversation(number).unique_name == unique_name:
            return number
        return None

    def participant(self, conversation: Conversation, user: int) -> Participant:
        """Return the membership of *user* in *conversation*, which the caller knows to exist."""
        bits = mix(conversation.number << 32 | user, self._participant_key)
        horizon = _horizon(bits, conversation.messages.last_ever_seeded())
        created = conversation.date_created
        return Participant(
            "MB%08x%024x" % ((user ^ self._participant_key) & 0xFFFFFFFF, bits & _MASK_96),  # noqa: UP031 - the fastest
            user,
            horizon,
            None if horizon is None else created + (bits >> 100 & 0xFFFFFF),
            "muted" if bits >> 96 & 15 == 0 else "default",
            created,
            created,
        )

    def user_of_participant_sid(self, sid: str) -> int | None:
        """Return whose membership *sid* would be; the caller checks that it is."""
        try:
            return (int(sid[2:10], 16) ^ self._participant_key) & 0xFFFFFFFF
        except ValueError:
            return None

    def message_sid(self, conversation: int, index: int) -> str:
        """Write the SID of a message."""
        noise = mix(conversation << 32 | index, self._message_key)
        return f"IM{(index ^ self._message_key) & 0xFFFFFFFF:08x}{noise & _MASK_96:024x}"

    def index_of_message_sid(self, conversation: int, sid: str) -> int | None:
        """Return which index a message SID stands for; None when it is of another conversation, or of none."""
        try:
            index = (int(sid[2:10], 16) ^ self._message_key) & 0xFFFFFFFF
        except ValueError:
            return None
        return index if self.message_sid(conversation, index) == sid else None

    def author_of(self, conversation: int, index: int) -> str:
        """Return who wrote the message at *index* of *conversation*."""
        members = self.memberships.members_of(conversation)
        return self.identities.identity_of(members[mix(conversation << 20 ^ index, self._author_key) % len(members)])

    def _messages(self, bits: int) -> Messages:
        length = _LENGTHS[bits & 15]
        every = _GAPS[bits >> 4 & 7]
        if length == 0:
            return Messages(-1)
        # Where the newest messages are gone, horizons may lie beyond what is left.
        gone = 1 + (bits >> 7 & 1) if bits >> 8 & 7 == 0 else 0
        return Messages(length - 1 + (bits >> 11 & 7), gone, every, (bits >> 14 & 0xFFF) % every if every else 0)


def _horizon(bits: int, last_ever: int) -> int | None:
    choice = bits & 0xFF
    if last_ever < 0 or choice < 100:
        return None
    return last_ever if choice < 160 else (bits >> 8 & 0xFFFFFF) % (last_ever + 1)
