"""Undecoded pages of many users to one Arrow table: the fast path, without a Python object per row.

pyarrow reads the joined pages as JSON lines, one page a line, straight into typed columns and without the GIL. It is
fast because it looks at little, so this module looks at the rest: whether each page holds a list, no more rows than its
envelope allows, and only rows of the user that was asked for. Whatever is doubtful goes to the exact decoder, which
either reads it or says which user's answer cannot be used.

Fields that the schema does not know come back from pyarrow as extra columns, so drift is seen at no cost, for ever.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from pipeline.model.user_conversation import UNREAD_CAP
from pipeline.snapshot.exact import decode_page
from pipeline.snapshot.page_schema import LINES, NESTED, unknown_fields
from pipeline.snapshot.schema import ROWS

_BYTES_AT_ONCE = 4 << 20
_TIMES = ("timers_date_inactive", "timers_date_closed", "date_created", "date_updated")
_YEAR_1_TO_9999 = (-62_135_596_800_000_000, 253_402_300_799_999_999)


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


class _Doubtful(Exception):
    """The fast path does not vouch for these pages."""


_DOUBT = (_Doubtful, pa.ArrowException, UnicodeDecodeError)


def decode(users: Sequence[UserPages], *, snapshot_at: datetime) -> Decoded:
    """Give the rows of *users* as one table.

    Raises `UnusableAnswer`, which names the user, where an answer cannot be used.
    """
    tables = [ROWS.empty_table()]
    rows_per_user = [0] * len(users)
    unknown: Counter[str] = Counter()
    for pages in _portions(users):
        for chunk in _decode_portion(pages, snapshot_at):
            tables.append(chunk.table)
            unknown.update(chunk.unknown)
            for page, rows in zip(chunk.pages, chunk.rows_per_page, strict=True):
                rows_per_user[page.owner] += rows
    return Decoded(pa.concat_tables(tables), rows_per_user, unknown)


def blank(table: pa.Table, names: Sequence[str]) -> pa.Table:
    """Give *table* with nothing but nulls in the columns *names*, as far as it has them; the schema stays."""
    for position, field in enumerate(table.schema):
        if field.name in names:
            table = table.set_column(position, field, pa.nulls(len(table), field.type))
    return table


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
    lines = _read_lines(b"\n".join(page.body for page in pages))
    lists, meta = _only_chunk(lines["conversations"]), _only_chunk(lines["meta"])
    lengths = pc.list_value_length(lists)
    if len(lines) != len(pages) or lists.null_count or meta.null_count:
        raise _Doubtful
    if pc.any(pc.greater(lengths, meta.field("page_size"))).as_py():
        raise _Doubtful
    rows = lists.flatten()
    page_of_row = pc.list_parent_indices(lists)
    columns = _columns(rows)
    _check_owner(columns["user_sid"], [page.user.user_sid for page in pages], page_of_row)
    _check_owner(columns["chat_service_sid"], [page.user.chat_service_sid for page in pages], page_of_row)
    if rows.null_count or columns["conversation_sid"].null_count:
        raise _Doubtful
    for name in _TIMES:
        _check_years(columns[name])
    columns["snapshot_at"] = pa.repeat(pa.scalar(snapshot_at, ROWS.field("snapshot_at").type), len(rows))
    columns["identity"] = pa.array([page.user.identity for page in pages], pa.string()).take(page_of_row)
    columns["unread_capped"] = pc.greater_equal(columns["unread_messages_count"], UNREAD_CAP)
    return _Chunk(
        pages,
        pa.table([columns[field.name] for field in ROWS], schema=ROWS),
        lengths.to_pylist(),
        unknown_fields(lines, rows),
    )


def _read_lines(joined: bytes) -> pa.Table:
    if not joined.isascii():
        joined.decode()  # pyarrow takes bytes that are no UTF-8 for text
    return pyarrow.json.read_json(
        pa.BufferReader(joined),
        # All in one block: then a page may hold newlines, for pyarrow looks for them only to cut blocks.
        read_options=pyarrow.json.ReadOptions(use_threads=False, block_size=len(joined) + 1),
        parse_options=pyarrow.json.ParseOptions(explicit_schema=LINES, unexpected_field_behavior="infer"),
    )


def _only_chunk(column: pa.ChunkedArray) -> Any:
    if column.num_chunks != 1:
        raise _Doubtful
    return column.chunk(0)


def _columns(rows: pa.StructArray) -> dict[str, pa.Array]:
    columns = {field.name: rows.field(field.name) for field in rows.type}
    for parent, names in NESTED.items():
        for name in names:
            columns[f"{parent}_{name}"] = pc.struct_field(columns[parent], name)
    return columns


def _check_owner(found: pa.Array, asked: Sequence[str], page_of_row: pa.Array) -> None:
    """Doubt rows of another user than the one that was asked for, or of nobody."""
    same = pc.equal(found, pa.array(asked, pa.string()).take(page_of_row))
    if same.null_count or not pc.all(same, min_count=0).as_py():
        raise _Doubtful


def _check_years(column: pa.Array) -> None:
    """Doubt times that no datetime can hold: pyarrow takes the year 0."""
    bounds = pc.min_max(column.view(pa.int64())).as_py()
    if bounds["min"] is not None and not _YEAR_1_TO_9999[0] <= bounds["min"] <= bounds["max"] <= _YEAR_1_TO_9999[1]:
        raise _Doubtful


def _decode_exactly(page: _Page, snapshot_at: datetime) -> _Chunk:
    decoded = decode_page(page.body, chat_service_sid=page.user.chat_service_sid, user_sid=page.user.user_sid)
    added = {"identity": page.user.identity, "snapshot_at": snapshot_at}
    table = pa.Table.from_pylist([row | added for row in decoded.rows], schema=ROWS)
    return _Chunk([page], table, [len(decoded.rows)], decoded.unknown_fields)
