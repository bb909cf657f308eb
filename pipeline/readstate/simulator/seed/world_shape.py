"""The few numbers that decide a whole world."""

from msgspec import Struct

from readstate.errors import BadInput

_USUAL_HEAVIEST = 1050
_HEAVIEST_SHARE_OF_ROWS = 4


class WorldShape(Struct, frozen=True, kw_only=True):
    """How large and how strange a world is; the same shape is always the same world."""

    users: int = 2_000
    """Users of all services together."""
    conversations_per_user: float = 5.0
    """The mean; a few users have many more, some have none."""
    services: int = 1
    seed: int = 1
    odd_identities: float = 0.05
    """The share of users whose identity would break careless code."""
    heaviest: int | None = None
    """Conversations of the busiest user; None leaves it to the size of the world."""

    def __post_init__(self) -> None:
        problems = [
            text
            for wrong, text in (
                (self.users < 0, f"users is {self.users}, and cannot be below 0"),
                (self.conversations_per_user < 0, "conversations_per_user cannot be below 0"),
                (self.services < 1, f"services is {self.services}, and a world has at least one"),
                (not 0 <= self.odd_identities <= 1, "odd_identities is a share between 0 and 1"),
                (self.heaviest is not None and self.heaviest < 0, "heaviest cannot be below 0"),
            )
            if wrong
        ]
        if problems:
            raise BadInput("; ".join(problems), hint="See `readstate simulate --help` for what a world needs.")

    def users_of(self, service: int) -> int:
        """Return how many users the service numbered *service* has: the default one has half of all, or more."""
        others = self.users // (2 * (self.services - 1)) if self.services > 1 else 0
        return self.users - others * (self.services - 1) if service == 0 else others

    def heaviest_of(self, service: int) -> int:
        """Return how many conversations the busiest user of *service* has."""
        if self.heaviest is not None:
            return self.heaviest
        rows = self.users_of(service) * self.conversations_per_user
        usual = min(_USUAL_HEAVIEST, int(rows) // _HEAVIEST_SHARE_OF_ROWS)
        return max(usual, int(4 * self.conversations_per_user))
