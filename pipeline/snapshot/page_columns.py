"""Many pages to columns at once: compiled where that could be built, else by pyarrow's JSON reader.

With the compiled reader decoding takes a third of the CPU (`python -m tests.benchmarks.decode`); it knows nothing but
the shape that Twilio's pages have today. pyarrow reads the joined pages as JSON lines, one page a line, and gives what
the schema does not know as extra columns: so drift is seen at little cost, for ever. Other threads go on meanwhile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from pipeline.snapshot.page_schema import LINES, NESTED, unknown_fields
from pipeline.snapshot.schema import ROWS

try:
    from pipeline.snapshot import compiled_pages
except ImportError:  # no compiler where this was installed
    IS_COMPILED = False
else:
    IS_COMPILED = True

_COLUMNS = list(ROWS)[: ROWS.get_field_index("snapshot_at")]


@dataclass(frozen=True, slots=True)
class PageColumns:
    """The rows of some pages."""

    columns: Mapping[str, pa.Array]
    """Twilio's fields as the schema `ROWS` has them."""
    rows_per_page: Sequence[int]
    page_of_row: pa.Array
    unknown_fields: Mapping[str, int]
    """Fields without a column, each with the rows that gave it a value other than null."""


class Doubtful(Exception):
    """The fast path does not vouch for these pages."""


def read_pages(bodies: Sequence[bytes]) -> PageColumns:
    """Read the rows of all pages.

    Raises `Doubtful`, a `pyarrow.ArrowException` or a `UnicodeDecodeError` where a page is not as it should be: one of
    them holds no list of rows, or more rows than its envelope allows, or a value of a wrong type.
    """
    for body in bodies:
        if not body.isascii():
            body.decode()  # neither reader looks whether text is UTF-8
    return (_compiled(bodies) if IS_COMPILED else None) or _by_pyarrow(bodies)


def _compiled(bodies: Sequence[bytes]) -> PageColumns | None:
    found = compiled_pages.read_pages(tuple(bodies))
    if found is None:
        return None
    lengths = pa.Array.from_buffers(pa.int64(), len(bodies), [None, pa.py_buffer(found[0])]).to_pylist()
    ends = [0, *accumulate(lengths)]
    rows = ends[-1]
    columns = {
        field.name: pa.Array.from_buffers(
            field.type, rows, [pa.py_buffer(valid) if nulls else None, *map(pa.py_buffer, buffers)], nulls
        )
        for field, (nulls, valid, *buffers) in zip(_COLUMNS, found[1], strict=True)
    }
    lists = pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.nulls(rows))
    return PageColumns(columns, lengths, pc.list_parent_indices(lists), {})


def _by_pyarrow(bodies: Sequence[bytes]) -> PageColumns:
    lines = _read_lines(b"\n".join(bodies))
    lists, meta = _only_chunk(lines["conversations"]), _only_chunk(lines["meta"])
    lengths = pc.list_value_length(lists)
    if len(lines) != len(bodies) or lists.null_count or meta.null_count:
        raise Doubtful
    if pc.any(pc.greater(lengths, meta.field("page_size"))).as_py():
        raise Doubtful
    rows = lists.flatten()
    if rows.null_count:
        raise Doubtful
    return PageColumns(_flat(rows), lengths.to_pylist(), pc.list_parent_indices(lists), unknown_fields(lines, rows))


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
