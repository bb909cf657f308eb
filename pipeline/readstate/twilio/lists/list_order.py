"""The order of a list, learned from its rows. Pure.

Twilio documents no order. It decides whether a row can be missed: in a list with the newest update first, a row that is
updated while page 2 is read moves to page 1, where the reader has been; in a list by SID no row ever moves.
"""

from collections.abc import Sequence
from operator import attrgetter

import msgspec

from readstate.foreign_json import has_too_many_objects

FEWEST_ROWS = 12
"""So many rows are not in order by chance."""


class ListRow(msgspec.Struct, frozen=True, gc=False):
    """What a row is ordered by; lists of users and participants name a row by ``sid``."""

    sid: str | None = None
    conversation_sid: str | None = None
    date_created: str | None = None
    date_updated: str | None = None

    @property
    def name(self) -> str | None:
        return self.sid or self.conversation_sid


class _Envelope(msgspec.Struct):
    conversations: list[ListRow] = []
    users: list[ListRow] = []
    participants: list[ListRow] = []
    services: list[ListRow] = []
    messages: list[ListRow] = []


class SortOrder(msgspec.Struct, frozen=True):
    """One way to sort a list; rows with equal values are sorted by name."""

    by: str
    descending: bool = False
    names_descending: bool = False

    def holds(self, rows: Sequence[ListRow]) -> bool:
        """Whether *rows* are sorted like this; false where a row has no value to sort by."""
        try:
            expected = sorted(rows, key=_name, reverse=self.names_descending)
            if self.by != "name":
                expected.sort(key=attrgetter(self.by), reverse=self.descending)
        except TypeError:
            return False
        return expected == rows


_name = attrgetter("name")
_BY_NAME = (SortOrder("name"), SortOrder("name", names_descending=True))
_BY_DATE = tuple(
    SortOrder(by, descending, names_descending)
    for by, descending in (("date_created", False), ("date_created", True), ("date_updated", False))
    for names_descending in (False, True)
)


class ListOrder(msgspec.Struct, frozen=True):
    """The orders that all rows so far are in. As JSON it is part of the resume point of a list."""

    stable: tuple[SortOrder, ...] = (*_BY_NAME, *_BY_DATE)
    """In these, an update moves a row backwards or not at all."""
    newest_first: bool = True
    """By ``date_updated``; a row that is updated moves to the beginning."""
    rows: int = 0
    last: ListRow | None = None

    def after(self, rows: Sequence[ListRow]) -> "ListOrder":
        """Return what is known after the *rows* of one more page."""
        if not rows:
            return self
        known = rows if self.last is None else [self.last, *rows]
        # A list by name is recognised first: it is then checked for that alone, at a third of the cost.
        stable = [order for order in self.stable if order.by == "name" and order.holds(known)]
        if not stable or self.rows + len(rows) < FEWEST_ROWS:
            stable += [order for order in self.stable if order.by != "name" and order.holds(known)]
        newest_first = self.newest_first and is_newest_first(known)
        return ListOrder(tuple(stable), newest_first, self.rows + len(rows), rows[-1])

    @property
    def is_stable(self) -> bool:
        """Whether no row can have moved to where the reader had been."""
        return bool(self.stable) and self.rows >= FEWEST_ROWS

    @property
    def is_newest_first(self) -> bool:
        """Whether rows that moved are at the beginning, before all that are older than the reading."""
        return self.newest_first and not self.stable and self.rows >= FEWEST_ROWS


def is_newest_first(rows: Sequence[ListRow]) -> bool:
    """Whether each of *rows* was updated no later than the one before it."""
    dates = [row.date_updated for row in rows]
    return None not in dates and dates == sorted(dates, key=str, reverse=True)


def list_rows(body: bytes) -> list[ListRow]:
    """Return the rows of a page; none where it is not a page of a known list."""
    if has_too_many_objects(body):
        return []
    try:
        envelope = _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return []
    return envelope.conversations or envelope.users or envelope.participants or envelope.services or envelope.messages


_DECODER = msgspec.json.Decoder(_Envelope)
