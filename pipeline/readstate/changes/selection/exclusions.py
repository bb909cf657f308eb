"""What a selection never touches: users, conversations, or single memberships. Pure."""

from msgspec import Struct
from msgspec.structs import replace

from readstate.model.ids import is_sid


class Exclusions(Struct, frozen=True):
    """Users, conversations and memberships that are excluded, whatever the other conditions are."""

    users: frozenset[str] = frozenset()
    """SIDs, and identities that still have to be looked up."""
    conversations: frozenset[str] = frozenset()
    """SIDs."""
    memberships: frozenset[tuple[str, str]] = frozenset()
    """A user and a conversation's SID each."""

    @property
    def identities(self) -> list[str]:
        """The users that are not named by SID."""
        named = self.users | {user for user, _ in self.memberships}
        return sorted(user for user in named if not is_sid(user, "US"))

    def resolved(self, sids: dict[str, str]) -> "Exclusions":
        """Return the same with identities replaced by *sids*; an identity without a SID stays, and matches no row."""
        found = {user: sids.get(user, user) for user in [*self.users, *(user for user, _ in self.memberships)]}
        return replace(
            self,
            users=frozenset(found[user] for user in self.users),
            memberships=frozenset((found[user], conversation) for user, conversation in self.memberships),
        )
