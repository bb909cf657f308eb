"""Many pages to columns at once, by pyarrow's JSON reader.

It reads the joined pages as JSON lines, one page a line, and gives what the schema does not know as extra columns: so
drift is seen at little cost. Other threads go on meanwhile. It looks at little else, so this module looks at the rest.
"""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from readstate.snapshot.extract.page_columns import Doubtful, PageColumns, PageOfUser
from readstate.snapshot.extract.page_schema import LINES, NESTED, unknown_fields

_TIMES = ("timers_date_inactive", "timers_date_closed", "date_created", "date_updated")
_YEAR_1_TO_9999 = (-62_135_596_800_000_000, 253_402_300_799_999_999)


def read_pages(pages: Sequence[PageOfUser]) -> PageColumns:
    """Read the rows of all *pages*.

    Raises `Doubtful`, a `pyarrow.ArrowException` or a `UnicodeDecodeError` where a page is not as it should be: one of
    them holds no list of rows, or more rows than its envelope allows, or a row of another user or of no conversation,
    or a value of a wrong type.
    """
    for page in pages:
        if not page.body.isascii():
            page.body.decode()  # pyarrow does not look whether text is UTF-8
    lines = _read_lines(b"\n".join(page.body for page in pages))
    lists, meta = _only_chunk(lines["conversations"]), _only_chunk(lines["meta"])
    lengths = pc.list_value_length(lists)
    if len(lines) != len(pages) or lists.null_count or meta.null_count:
        raise Doubtful
    if pc.any(pc.greater(lengths, meta.field("page_size"))).as_py():
        raise Doubtful
    rows = lists.flatten()
    if rows.null_count:
        raise Doubtful
    columns, page_of_row = _flat(rows), pc.list_parent_indices(lists)
    _check_owner(columns["user_sid"], [page.user_sid for page in pages], page_of_row)
    _check_owner(columns["chat_service_sid"], [page.chat_service_sid for page in pages], page_of_row)
    if columns["conversation_sid"].null_count:
        raise Doubtful
    for name in _TIMES:
        _check_years(columns[name])
    return PageColumns(columns, lengths.to_pylist(), page_of_row, unknown_fields(lines, rows))


def _read_lines(joined: bytes) -> pa.Table:
    return pyarrow.json.read_json(
        pa.BufferReader(joined),
        # All in one block: then a page may hold newlines, for pyarrow looks for them only to cut blocks.
        read_options=pyarrow.json.ReadOptions(use_threads=False, block_size=len(joined) + 1),
        parse_options=pyarrow.json.ParseOptions(explicit_schema=LINES, unexpected_field_behavior="infer"),
    )


def _only_chunk(column: pa.ChunkedArray) -> Any:
    if column.num_chunks != 1:
        raise Doubtful
    return column.chunk(0)


def _flat(rows: pa.StructArray) -> dict[str, pa.Array]:
    columns = {field.name: rows.field(field.name) for field in rows.type}
    for parent, names in NESTED.items():
        for name in names:
            columns[f"{parent}_{name}"] = pc.struct_field(columns[parent], name)
    return columns


def _check_owner(found: pa.Array, asked: Sequence[str], page_of_row: pa.Array) -> None:
    """Doubt rows of another user than the one that was asked for, or of nobody."""
    same = pc.equal(found, pa.array(asked, pa.string()).take(page_of_row))
    if same.null_count or not pc.all(same, min_count=0).as_py():
        raise Doubtful


def _check_years(column: pa.Array) -> None:
    """Doubt times that no datetime can hold: pyarrow takes the year 0."""
    bounds = pc.min_max(column.view(pa.int64())).as_py()
    if bounds["min"] is not None and not _YEAR_1_TO_9999[0] <= bounds["min"] <= bounds["max"] <= _YEAR_1_TO_9999[1]:
        raise Doubtful
