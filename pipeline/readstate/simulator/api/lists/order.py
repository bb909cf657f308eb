"""The order of a list: the sort key of a row, and walks up and down a sorted list that begin at a key."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from msgspec import Struct

from readstate.simulator.api.behaviour import ConversationList, OrderedList
from readstate.simulator.api.json_templates import timestamp
from readstate.simulator.seed.records import Conversation

Item = TypeVar("Item")


class Listing(Struct, Generic[Item], frozen=True):
    """A list that is read from a key on, so that rows added or removed meanwhile shift nothing."""

    after: Callable[[str], Iterator[tuple[str, Item]]]
    """Walk on from a key; from the empty key, walk all."""
    before: Callable[[str], Iterator[tuple[str, Item]]]
    """Walk back from a key."""
    get: Callable[[str], Item | None]

    def directed(self, order: OrderedList) -> "Listing[Item]":
        """Return the list as *order* directs it, where this one is ascending."""
        return self if order.direction == "asc" else Listing(self.before, self.after, self.get)


def sort_key(order: OrderedList, sid: str, *, created: int, updated: int, state: str = "") -> str:
    """Return what the rows of a list are sorted by: state, date and SID joined by underscores, as seen in a token."""
    parts = [sid]
    match order.order:
        case "created":
            parts = [_instant(created), sid]
        case "updated":
            parts = [_instant(updated), sid]
        case "shuffled":
            # SIDs that read backwards are in an order that means nothing, and stays the same.
            parts = [sid[::-1]]
        case "sid":
            pass
    if isinstance(order, ConversationList) and order.state_first == "yes":
        parts.insert(0, state)
    return "_".join(parts)


def conversation_key(order: ConversationList, conversation: Conversation) -> str:
    """Return what a conversation is sorted by."""
    return sort_key(
        order,
        conversation.sid,
        created=conversation.date_created,
        updated=conversation.date_updated,
        state=conversation.state,
    )


def sid_in(order: OrderedList, key: str) -> str:
    """Return the SID at the end of a sort key."""
    last = key.rpartition("_")[2]
    return last[::-1] if order.order == "shuffled" else last


def listing_of(pairs: list[tuple[str, Item]]) -> Listing[Item]:
    """Return a listing of keys and items that are sorted already."""

    def after(key: str) -> Iterator[tuple[str, Item]]:
        return iter(pairs[bisect_right(pairs, key, key=_key) :] if key else pairs)

    def before(key: str) -> Iterator[tuple[str, Item]]:
        return reversed(pairs[: bisect_left(pairs, key, key=_key)] if key else pairs)

    def get(key: str) -> Item | None:
        at = bisect_left(pairs, key, key=_key)
        return pairs[at][1] if at < len(pairs) and pairs[at][0] == key else None

    return Listing(after, before, get)


def _instant(seconds: int) -> str:
    return f"{timestamp(seconds)[:-1]}.000Z"


def _key(pair: tuple[str, Item]) -> str:
    return pair[0]
