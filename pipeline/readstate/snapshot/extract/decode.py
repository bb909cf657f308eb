"""Undecoded pages of many users to one Arrow table: the fast path, without a Python object per row.

Whatever is doubtful goes to the exact decoder, which either reads it or says which user's answer cannot be used.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from readstate.model.resources import UNREAD_CAP
from readstate.snapshot.extract.lenient_reader import decode_page
from readstate.snapshot.extract.page_columns import Doubtful, PageOfUser
from readstate.snapshot.extract.pyarrow_reader import read_pages
from readstate.snapshot.published.schema import ROWS

_BYTES_AT_ONCE = 4 << 20


@dataclass(frozen=True, slots=True)
class UserPages:
    """All pages of one user's list, as they came."""

    chat_service_sid: str
    user_sid: str
    identity: str | None
    pages: Iterable[bytes]
    """May be gone through more than once."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """The rows of some users, in the order in which the users and their pages were given."""

    table: pa.Table
    """With the schema `ROWS`."""
    bytes: int
    """Memory that it takes."""
    rows_per_user: Sequence[int]
    unknown_fields: Mapping[str, int]
    """Fields without a column, each with the rows that gave it a value other than null."""


@dataclass(frozen=True, slots=True)
class _Page:
    owner: int
    user: UserPages
    body: bytes


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Some pages, decoded."""

    pages: Sequence[_Page]
    table: pa.Table
    rows_per_page: Sequence[int]
    unknown: Mapping[str, int]


_DOUBT = (Doubtful, pa.ArrowException, UnicodeDecodeError)


def decode(users: Sequence[UserPages], *, snapshot_at: datetime) -> Decoded:
    """Give the rows of *users* as one table.

    Raises `UnusableAnswer`, which names the user, where an answer cannot be used.
    """
    tables: list[pa.Table] = []
    rows_per_user = [0] * len(users)
    unknown: Counter[str] = Counter()
    for pages in _portions(users):
        for chunk in _decode_portion(pages, snapshot_at):
            tables.append(chunk.table)
            unknown.update(chunk.unknown)
            for page, rows in zip(chunk.pages, chunk.rows_per_page, strict=True):
                rows_per_user[page.owner] += rows
    table = pa.concat_tables(tables) if tables else ROWS.empty_table()
    return Decoded(table, table.nbytes, rows_per_user, unknown)


def _portions(users: Sequence[UserPages]) -> Iterator[list[_Page]]:
    """Pages in order, a few megabytes at once: a user with a very long list must not be held three times over."""
    portion: list[_Page] = []
    size = 0
    for owner, user in enumerate(users):
        for body in user.pages:
            portion.append(_Page(owner, user, body))
            size += len(body)
            if size >= _BYTES_AT_ONCE:
                yield portion
                portion, size = [], 0
    if portion:
        yield portion


def _decode_portion(pages: Sequence[_Page], snapshot_at: datetime) -> Iterator[_Chunk]:
    """Decode all *pages* at once; where one of them is doubtful, each by itself."""
    try:
        yield _decode_fast(pages, snapshot_at)
    except _DOUBT:
        if len(pages) == 1:
            yield _decode_exactly(pages[0], snapshot_at)
            return
        for page in pages:
            yield from _decode_portion([page], snapshot_at)


def _decode_fast(pages: Sequence[_Page], snapshot_at: datetime) -> _Chunk:
    found = read_pages([PageOfUser(page.body, page.user.chat_service_sid, page.user.user_sid) for page in pages])
    columns = dict(found.columns)
    rows = len(found.page_of_row)
    columns["snapshot_at"] = pa.repeat(pa.scalar(snapshot_at, ROWS.field("snapshot_at").type), rows)
    columns["identity"] = pa.array([page.user.identity for page in pages], pa.string()).take(found.page_of_row)
    columns["unread_capped"] = pc.greater_equal(columns["unread_messages_count"], UNREAD_CAP)
    table = pa.table([columns[field.name] for field in ROWS], schema=ROWS)
    return _Chunk(pages, table, found.rows_per_page, found.unknown_fields)


def _decode_exactly(page: _Page, snapshot_at: datetime) -> _Chunk:
    decoded = decode_page(page.body, chat_service_sid=page.user.chat_service_sid, user_sid=page.user.user_sid)
    added = {"identity": page.user.identity, "snapshot_at": snapshot_at}
    table = pa.Table.from_pylist([row | added for row in decoded.rows], schema=ROWS)
    return _Chunk([page], table, [len(decoded.rows)], decoded.unknown_fields)
