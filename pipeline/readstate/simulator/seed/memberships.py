"""Who is in which conversation, decided by arithmetic that can be evaluated from either side.

Users are ranked by how busy they are. Layer j holds the users with more than j conversations, shuffles them, and cuts
them into groups; each group is one conversation. So a user of rank r is in exactly one group of each of the first
layers, and the members of a group are found by running the same shuffles backwards.
"""

from bisect import bisect_right

from readstate.simulator.seed.sid_space import Permutation, mix

_GROUP_SIZES = (2, 10, 1, 2, 100, 2, 10, 1, 2, 10)
_TAIL = 1.6
_USERS_PER_LONER = 25
_EDGES = frozenset({49, 50, 99, 100})
"""Layers that must lose a user, so that there is a user with exactly 50, 51, 100 and 101 conversations: whole pages."""


class Memberships:
    """The conversations of every user and the members of every conversation, both as numbers."""

    __slots__ = ("_first_numbers", "_group_sizes", "_ranks", "_shuffles", "_thresholds", "conversations")

    def __init__(self, *, users: int, mean: float, heaviest: int, key: int) -> None:
        layers = _layer_sizes(users, mean, heaviest)
        self._ranks = Permutation(users, key)
        self._shuffles = [Permutation(size, mix(layer, key)) for layer, size in enumerate(layers)]
        self._group_sizes = [_GROUP_SIZES[layer % len(_GROUP_SIZES)] for layer in range(len(layers))]
        self._first_numbers: list[int] = []
        self.conversations = 0
        for size, group in zip(layers, self._group_sizes, strict=True):
            self._first_numbers.append(self.conversations)
            self.conversations += -(-size // group)
        self._thresholds = layers[::-1]

    def conversations_of(self, user: int) -> list[int]:
        """List the conversations that *user* is in."""
        rank = self._ranks.place_of(user)
        depth = len(self._thresholds) - bisect_right(self._thresholds, rank)
        return [
            first + shuffle.place_of(rank) // group
            for first, shuffle, group in zip(
                self._first_numbers[:depth], self._shuffles, self._group_sizes, strict=False
            )
        ]

    def members_of(self, conversation: int) -> list[int]:
        """List the users who are in *conversation*."""
        layer = bisect_right(self._first_numbers, conversation) - 1
        shuffle, group = self._shuffles[layer], self._group_sizes[layer]
        start = (conversation - self._first_numbers[layer]) * group
        places = range(start, min(start + group, shuffle.count))
        return [self._ranks.number_at(shuffle.number_at(place)) for place in places]

    def has(self, conversation: int, user: int) -> bool:
        """Return whether *user* is in *conversation*."""
        layer = bisect_right(self._first_numbers, conversation) - 1
        shuffle, rank = self._shuffles[layer], self._ranks.place_of(user)
        if rank >= shuffle.count:
            return False
        return self._first_numbers[layer] + shuffle.place_of(rank) // self._group_sizes[layer] == conversation


def _layer_sizes(users: int, mean: float, heaviest: int) -> list[int]:
    """Count the users with more than 0, 1, 2 … conversations, so that their sum is about *users* × *mean*."""
    sociable = users - users // _USERS_PER_LONER
    wanted = users * mean
    low, high = 0.0, 20.0 * max(1, heaviest)
    for _ in range(50):
        scale = (low + high) / 2
        if sum(_tail(sociable, scale, heaviest)) < wanted:
            low = scale
        else:
            high = scale
    sizes = _tail(sociable, high, heaviest)
    return _with_edges(sizes, sociable) if wanted else []


def _tail(users: int, scale: float, heaviest: int) -> list[int]:
    return [max(1, int(users * (1 + layer / scale) ** -_TAIL)) for layer in range(heaviest if users else 0)]


def _with_edges(sizes: list[int], most: int) -> list[int]:
    for layer in range(len(sizes) - 2, -1, -1):
        least = sizes[layer + 1] + (layer in _EDGES)
        sizes[layer] = min(most, max(sizes[layer], least))
    return sizes
