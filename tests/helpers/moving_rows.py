"""A list whose rows move while it is read: pages by key, as Twilio's, in any order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response
from tests.helpers.scripted_transport import page


@dataclass(slots=True)
class MovingRow:
    name: str
    created: int
    updated: int
    state: int = 0


Key = Callable[[MovingRow], tuple[Any, ...]]

ORDERS: Mapping[str, Key] = {
    "name": lambda row: (row.name,),
    "name descending": lambda row: (tuple(-ord(letter) for letter in row.name),),
    "created": lambda row: (row.created, row.name),
    "created descending": lambda row: (-row.created, row.name),
    "updated": lambda row: (row.updated, row.name),
    "updated descending": lambda row: (-row.updated, row.name),
    "state, then updated descending": lambda row: (row.state, -row.updated, row.name),
    "state, then name": lambda row: (row.state, row.name),
}


class MovingRows:
    """Answers pages of *rows*; before request number n, the rows that *moves* names for it are updated.

    Each update is *ticks* seconds after the one before; with 0, those of two requests are of the same second.
    """

    def __init__(
        self,
        rows: Sequence[MovingRow],
        order: str,
        *,
        size: int,
        moves: Mapping[int, Sequence[int]],
        dated: bool = True,
        ticks: int = 0,
    ) -> None:
        self.rows = rows
        self._key = ORDERS[order]
        self._size = size
        self._moves = moves
        self._dated = dated
        self._ticks = ticks
        self._last: dict[str, tuple[Any, ...]] = {}
        self._clock = max(max(row.created, row.updated) for row in rows)
        self.requests = 0

    async def send(self, request: Request) -> Response:
        self.requests += 1
        for number in self._moves.get(self.requests, ()):
            self._clock += self._ticks or self.requests % 2
            self.rows[number].updated = self._clock
            self.rows[number].state = 0
        after = self._last.get(dict(request.query).get("PageToken", ""))
        left = sorted((row for row in self.rows if after is None or self._key(row) > after), key=self._key)
        shown = left[: self._size]
        token = f"PT{len(self._last)}"
        self._last[token] = self._key(shown[-1]) if shown else ()
        return page(
            "conversations", [self._row(row) for row in shown], f"?PageToken={token}" if left[len(shown) :] else None
        )

    def _row(self, row: MovingRow) -> dict[str, str | None]:
        dates = {"date_created": _date(row.created), "date_updated": _date(row.updated)} if self._dated else {}
        return {"conversation_sid": row.name, **dates}


def _date(second: int) -> str:
    return f"2026-11-23T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"
