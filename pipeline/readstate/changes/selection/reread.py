"""Read rows again that were chosen from an older state: only as Twilio has them now do they go into a plan."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from readstate.changes.current_state.context import ReadContext, in_batches
from readstate.changes.current_state.memberships import UserLines, UserReading, read_user
from readstate.changes.selection.conditions import Judged
from readstate.model.change import Update


class Chosen(NamedTuple):
    """A user's rows that were chosen, each with what is wished of it."""

    user_sid: str
    identity: str | None
    wishes: dict[str, Update]


class Reread(NamedTuple):
    """The same rows as they are now."""

    chosen: Chosen
    reading: UserReading
    read_at: datetime


def by_user(tables: Iterable[Judged]) -> Iterator[Chosen]:
    """Put together what was chosen of each user; the rows of a user stand together."""
    rows = (row for judged in tables for row in _rows(judged))
    for (user_sid, identity), group in groupby(rows, key=lambda row: (row[0], row[1])):
        yield Chosen(user_sid, identity, {conversation_sid: wish for _, _, conversation_sid, wish in group})


async def reread(chosen: Iterable[Chosen], around: ReadContext, keep: Callable[[list[Reread]], None]) -> None:
    """Read what was *chosen* with the fewest requests, many users at once, and *keep* it, some hundred users a time.

    Raises `Stopped` where somebody asked, and `Refused` where the credentials may not read.
    """

    async def read(wanted: Chosen) -> Reread:
        lines = UserLines(wanted.user_sid, wanted.user_sid, dict.fromkeys(wanted.wishes, 0))
        return Reread(wanted, await read_user(around.reader, around.service_sid, lines), around.clock.now())

    await in_batches(read, chosen, keep, around)


def _rows(judged: Judged) -> Iterator[tuple[str, str | None, str, Update]]:
    names = ("user_sid", "identity", "conversation_sid")
    columns = (judged.rows[name].to_pylist() for name in names)
    return zip(*columns, judged.wishes, strict=True)
