"""What was changed in one service since it was seeded: the only part of a world that takes memory."""

from msgspec import Struct, field

from readstate.simulator.seed.records import Conversation, Message, Participant, User

Membership = tuple[int, int]
"""The numbers of a conversation and of a user."""


class Overlay(Struct):
    """Changes by number; None stands for what is gone."""

    users: dict[int, User | None] = field(default_factory=dict)
    conversations: dict[int, Conversation | None] = field(default_factory=dict)
    participants: dict[Membership, Participant | None] = field(default_factory=dict)
    added_members: dict[int, list[int]] = field(default_factory=dict)
    """By conversation, the users whom the seed did not put there."""
    added_conversations: dict[int, list[int]] = field(default_factory=dict)
    """By user, the conversations into which the seed did not put the user."""
    created_users: dict[str, int] = field(default_factory=dict)
    """By SID, the numbers of users whom the seed did not make."""
    created_conversations: dict[str, int] = field(default_factory=dict)
    added_participants: dict[str, Membership] = field(default_factory=dict)
    """By SID, the memberships that were made again or anew."""
    messages: dict[Membership, Message] = field(default_factory=dict)
    """By conversation and index, the messages that were added or edited."""

    lagging: dict[Membership, tuple[float, int | None]] = field(default_factory=dict)
    """Until when the unread count still follows an older horizon, and which."""

    def put_participant(self, conversation: int, participant: Participant, *, seeded: bool) -> None:
        """Store a membership; *seeded* says whether the seed has this pair of numbers."""
        key = (conversation, participant.user)
        self.participants[key] = participant
        if participant.user not in self.added_members.get(conversation, ()) and not seeded:
            self.added_members.setdefault(conversation, []).append(participant.user)
            self.added_conversations.setdefault(participant.user, []).append(conversation)
