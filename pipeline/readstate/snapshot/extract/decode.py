"""Undecoded pages of many users to one Arrow table.

The strict reader takes pages that are exactly as documented, at 3 µs of CPU a row; every other page goes to the lenient
reader, which either reads it or says why the user's answer cannot be used.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import accumulate
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from readstate.errors import UnusableAnswer
from readstate.foreign_json import has_too_many_objects
from readstate.snapshot.extract.fetch import FetchedUser
from readstate.snapshot.extract.lenient_reader import PageRows, read_leniently
from readstate.snapshot.extract.page_types import Page, Row
from readstate.snapshot.parts.derived_columns import PART_ROWS
from readstate.snapshot.workspace.users import RosterUser

BATCH_BYTES = 4 << 20
"""Pages decoded at once: a user with a very long list must not be in memory three times over."""

# Its types bound the depth: at the first value that is not documented it stops. pyarrow's JSON reader would end the
# process on one that is nested 20 000 deep.
_PAGE = msgspec.json.Decoder(Page)
_NO_ROWS = pa.Table.from_batches([], PART_ROWS)
_YEAR_1_TO_9999 = (-62_135_596_800_000_000, 253_402_300_799_999_999)


class Decoded(Struct, frozen=True):
    """The rows of some users, in the order of the users and their pages."""

    table: pa.Table
    """With the schema `PART_ROWS`."""
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
    user: RosterUser
    rows: int
    address_root: str | None
    unknown_fields: Mapping[str, int]


class _Batch(Struct, frozen=True):
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


def decode(users: Sequence[FetchedUser], *, batch_bytes: int = BATCH_BYTES) -> Decoded:
    """Return the rows of *users* as one table; of a user with an unusable page there is no row."""
    batches = [_decode_batch(pages) for pages in _page_batches(users, batch_bytes)]
    errors = {owner: error for batch in reversed(batches) for owner, error in batch.errors.items()}
    rows: Counter[int] = Counter()
    unknown: Counter[str] = Counter()
    for page in (page for batch in batches for page in batch.pages if page.owner not in errors):
        rows[page.owner] += page.rows
        unknown.update(page.unknown_fields)
    table = pa.concat_tables([_NO_ROWS, *(batch.without(errors.keys()) for batch in batches)])
    results = [errors.get(number, rows[number]) for number in range(len(users))]
    return Decoded(table, table.get_total_buffer_size(), results, unknown)


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


def _decode_batch(pages: Sequence[_Page]) -> _Batch:
    try:
        return _batch(pages, _read)
    except (pa.ArrowException, OverflowError):
        # A column has a value out of range, and Arrow does not say of which page: the lenient reader does.
        return _batch(pages, read_leniently)


def _batch(pages: Sequence[_Page], read: Callable[[bytes, RosterUser], PageRows]) -> _Batch:
    rows: list[Row] = []
    decoded: list[_DecodedPage] = []
    errors: dict[int, UnusableAnswer] = {}
    for page in pages:
        try:
            found = read(page.body, page.user)
        except UnusableAnswer as error:
            # Without traceback: its frames hold the pages and this dictionary, until the garbage collector comes.
            error.__cause__ = error.__context__ = None
            errors.setdefault(page.owner, error.with_traceback(None))
            continue
        rows += found.rows
        root = _address_root(found.rows, page.user)
        decoded.append(_DecodedPage(page.owner, page.user, len(found.rows), root, found.unknown_fields))
    table = _table(rows, [page for page in decoded if page.rows]) if rows else _NO_ROWS
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


def _address_root(rows: Sequence[Row], user: RosterUser) -> str | None:
    """Return what the addresses of all *rows* begin with; None where one does not go on with its names and SIDs."""
    root = (rows[0].url or "").partition("/Users/")[0] if rows else ""
    of_user, conversations = f"{root}/Users/{user.user_sid}/Conversations/", f"{root}/Conversations/"
    for row in rows:
        conversation = f"{conversations}{row.conversation_sid}"
        if (
            row.url != f"{of_user}{row.conversation_sid}"
            or row.links is None
            or row.links.conversation != conversation
            or row.participant_sid is None
            or row.links.participant != f"{conversation}/Participants/{row.participant_sid}"
        ):
            return None
    return root


def _table(rows: Sequence[Row], pages: Sequence[_DecodedPage]) -> pa.Table:
    """Turn the rows of *pages* into columns.

    Raise `pa.ArrowException` or `OverflowError` where a column cannot hold a value.
    """
    # Spelled out: reading the names from a list costs half as much again.
    values: dict[str, Sequence[Any]] = {
        "account_sid": [row.account_sid for row in rows],
        "conversation_sid": [row.conversation_sid for row in rows],
        "unread_messages_count": [row.unread_messages_count for row in rows],
        "last_read_message_index": [row.last_read_message_index for row in rows],
        "participant_sid": [row.participant_sid for row in rows],
        "friendly_name": [row.friendly_name for row in rows],
        "conversation_state": [row.conversation_state for row in rows],
        "timers_date_inactive": [row.timers and row.timers.date_inactive for row in rows],
        "timers_date_closed": [row.timers and row.timers.date_closed for row in rows],
        "attributes": [row.attributes for row in rows],
        "date_created": [row.date_created for row in rows],
        "date_updated": [row.date_updated for row in rows],
        "created_by": [row.created_by for row in rows],
        "notification_level": [row.notification_level for row in rows],
        "unique_name": [row.unique_name for row in rows],
    }
    roots = [page.address_root for page in pages]
    if None in roots:
        roots = [None] * len(pages)
        values["url"] = [row.url for row in rows]
        values["links_participant"] = [row.links and row.links.participant for row in rows]
        values["links_conversation"] = [row.links and row.links.conversation for row in rows]
    columns = {name: _column(column, PART_ROWS.field(name).type) for name, column in values.items()}
    ends = list(accumulate(page.rows for page in pages))
    columns["address_root"] = _repeated(roots, ends)
    for name in ("chat_service_sid", "user_sid", "identity"):
        columns[name] = _repeated([getattr(page.user, name) for page in pages], ends)
    left_out = pa.nulls(len(rows), pa.string())
    return pa.table([columns.get(name, left_out) for name in PART_ROWS.names], schema=PART_ROWS)


def _repeated(values: Sequence[str | None], ends: Sequence[int]) -> pa.Array:
    """Return a column in which each value goes on until its end."""
    runs = pa.RunEndEncodedArray.from_arrays(pa.array(ends, pa.int32()), pa.array(values, pa.string()))
    return pc.run_end_decode(runs)


def _column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if not pa.types.is_timestamp(kind):
        return pa.array(values, kind)
    times = pa.array(values, pa.string()).cast(kind)
    bounds = pc.min_max(times.view(pa.int64())).as_py()
    if bounds["min"] is not None and not _YEAR_1_TO_9999[0] <= bounds["min"] <= bounds["max"] <= _YEAR_1_TO_9999[1]:
        raise pa.ArrowInvalid("Arrow reads the year 0, which no datetime can hold")
    return times
