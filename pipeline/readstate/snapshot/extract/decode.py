"""Undecoded pages of many users to one Arrow table.

The strict reader takes pages that are exactly as documented, at 3 µs of CPU a row; every other page goes to the lenient
reader, which either reads it or says why the user's answer cannot be used.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from readstate.errors import UnusableAnswer
from readstate.foreign_json import has_too_many_objects
from readstate.model.resources import UNREAD_CAP
from readstate.snapshot.extract.fetch import FetchedUser
from readstate.snapshot.extract.lenient_reader import PageRows, read_leniently
from readstate.snapshot.extract.page_types import NESTED, Page, Row
from readstate.snapshot.published.schema import ROWS
from readstate.snapshot.workspace.users import RosterUser

BATCH_BYTES = 4 << 20
"""Pages decoded at once: a user with a very long list must not be in memory three times over."""

# Its types bound the depth: at the first value that is not documented it stops. pyarrow's JSON reader would end the
# process on one that is nested 20 000 deep.
_PAGE = msgspec.json.Decoder(Page)
_YEAR_1_TO_9999 = (-62_135_596_800_000_000, 253_402_300_799_999_999)


@dataclass(frozen=True, slots=True)
class Decoded:
    """The rows of some users, in the order of the users and their pages."""

    table: pa.Table
    """With the schema `ROWS`."""
    bytes: int
    """Memory that it takes."""
    results: Sequence[int | UnusableAnswer]
    """For each user the number of rows, or why none of them can be used."""
    unknown_fields: Mapping[str, int]
    """Fields without a column, each with the rows that gave it a value other than null."""


class UnexpectedPage(Exception):
    """A page is not as documented."""


class _Page(NamedTuple):
    owner: int
    user: RosterUser
    body: bytes


class _DecodedPage(NamedTuple):
    owner: int
    rows: int
    unknown_fields: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Batch:
    """Some pages, decoded."""

    table: pa.Table
    pages: Sequence[_DecodedPage]
    errors: Mapping[int, UnusableAnswer]

    def without(self, owners: AbstractSet[int]) -> pa.Table:
        """Return the rows of all but some users."""
        if owners.isdisjoint(page.owner for page in self.pages):
            return self.table
        kept = [page.owner not in owners for page in self.pages for _ in range(page.rows)]
        return self.table.filter(pa.array(kept, pa.bool_()))


def decode(users: Sequence[FetchedUser], *, snapshot_at: datetime, batch_bytes: int = BATCH_BYTES) -> Decoded:
    """Return the rows of *users* as one table; of a user with an unusable page there is no row."""
    batches = [_decode_batch(pages, snapshot_at) for pages in _page_batches(users, batch_bytes)]
    errors = {owner: error for batch in reversed(batches) for owner, error in batch.errors.items()}
    rows: Counter[int] = Counter()
    unknown: Counter[str] = Counter()
    for page in (page for batch in batches for page in batch.pages if page.owner not in errors):
        rows[page.owner] += page.rows
        unknown.update(page.unknown_fields)
    table = pa.concat_tables([ROWS.empty_table(), *(batch.without(errors.keys()) for batch in batches)])
    results = [errors.get(number, rows[number]) for number in range(len(users))]
    return Decoded(table, table.nbytes, results, unknown)


def _page_batches(users: Sequence[FetchedUser], batch_bytes: int) -> Iterator[list[_Page]]:
    batch: list[_Page] = []
    size = 0
    for owner, user in enumerate(users):
        for body in user.bodies():
            batch.append(_Page(owner, user.user, body))
            size += len(body)
            if size >= batch_bytes:
                yield batch
                batch, size = [], 0
    if batch:
        yield batch


def _decode_batch(pages: Sequence[_Page], snapshot_at: datetime) -> _Batch:
    try:
        return _batch(pages, _read, snapshot_at)
    except (pa.ArrowException, OverflowError):
        # A column has a value out of range, and Arrow does not say of which page: the lenient reader does.
        return _batch(pages, read_leniently, snapshot_at)


def _batch(pages: Sequence[_Page], read: Callable[[bytes, RosterUser], PageRows], snapshot_at: datetime) -> _Batch:
    rows: list[Row] = []
    identities: list[str | None] = []
    decoded: list[_DecodedPage] = []
    errors: dict[int, UnusableAnswer] = {}
    for page in pages:
        try:
            found = read(page.body, page.user)
        except UnusableAnswer as error:
            errors.setdefault(page.owner, error)
            continue
        rows += found.rows
        identities += [page.user.identity] * len(found.rows)
        decoded.append(_DecodedPage(page.owner, len(found.rows), found.unknown_fields))
    table = _table(rows, identities, snapshot_at) if rows else ROWS.empty_table()
    return _Batch(table, decoded, errors)


def _read(body: bytes, user: RosterUser) -> PageRows:
    try:
        return PageRows(read_strictly(body, user), {})
    except (UnexpectedPage, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return read_leniently(body, user)


def read_strictly(body: bytes, user: RosterUser) -> list[Row]:
    """Return the rows of one page.

    Raise `UnexpectedPage`, `msgspec.DecodeError`, `UnicodeDecodeError` or `RecursionError` where it holds anything but
    the documented fields and types, more rows than its envelope says, or a row of another user or of no conversation.
    """
    if has_too_many_objects(body):
        raise UnexpectedPage
    page = _PAGE.decode(body)
    if page.meta.page_size is not None and len(page.conversations) > page.meta.page_size:
        raise UnexpectedPage
    for row in page.conversations:
        is_owned = row.user_sid == user.user_sid and row.chat_service_sid == user.chat_service_sid
        if not is_owned or row.conversation_sid is None:
            raise UnexpectedPage
    return page.conversations


def _table(rows: Sequence[Row], identities: Sequence[str | None], snapshot_at: datetime) -> pa.Table:
    """Turn rows into columns. Raise `pa.ArrowException` or `OverflowError` where a column cannot hold a value."""
    values: dict[str, Sequence[Any]] = dict(
        zip(Row.__struct_fields__, zip(*map(msgspec.structs.astuple, rows), strict=True), strict=True)
    )
    for parent, kind in NESTED.items():
        # One object stands for all that are null: Twilio may leave timers out of every row.
        absent = kind()
        found = [inner or absent for inner in values[parent]]
        values |= {f"{parent}_{name}": [getattr(inner, name) for inner in found] for name in kind.__struct_fields__}
    columns = {field.name: _column(values[field.name], field.type) for field in ROWS if field.name in values}
    columns["identity"] = pa.array(identities, pa.string())
    columns["snapshot_at"] = pa.repeat(pa.scalar(snapshot_at, ROWS.field("snapshot_at").type), len(rows))
    columns["unread_capped"] = pc.greater_equal(columns["unread_messages_count"], UNREAD_CAP)
    return pa.table([columns[field.name] for field in ROWS], schema=ROWS)


def _column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if not pa.types.is_timestamp(kind):
        return pa.array(values, kind)
    times = pa.array(values, pa.string()).cast(kind)
    bounds = pc.min_max(times.view(pa.int64())).as_py()
    if bounds["min"] is not None and not _YEAR_1_TO_9999[0] <= bounds["min"] <= bounds["max"] <= _YEAR_1_TO_9999[1]:
        raise pa.ArrowInvalid("Arrow reads the year 0, which no datetime can hold")
    return times
