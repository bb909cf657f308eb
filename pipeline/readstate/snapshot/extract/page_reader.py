"""Many pages to columns at once: compiled where that could be built, else by pyarrow's JSON reader.

With the compiled reader decoding takes a quarter of the CPU (`python -m tests.benchmarks.decode`); it knows nothing but
the shape that Twilio's pages have today, and leaves whatever else it meets to pyarrow.
"""

from collections.abc import Sequence
from itertools import accumulate

import pyarrow as pa
import pyarrow.compute as pc

from readstate.snapshot.extract.page_columns import PageColumns, PageOfUser
from readstate.snapshot.extract.pyarrow_reader import by_pyarrow
from readstate.snapshot.published.schema import ROWS

try:
    from readstate.snapshot.extract import compiled_pages
except ImportError:  # no compiler where this was installed
    IS_COMPILED = False
else:
    IS_COMPILED = True

_COLUMNS = list(ROWS)[: ROWS.get_field_index("snapshot_at")]


def read_pages(pages: Sequence[PageOfUser]) -> PageColumns:
    """Read the rows of all *pages*.

    Raises `Doubtful`, a `pyarrow.ArrowException` or a `UnicodeDecodeError` where a page is not as it should be: one of
    them holds no list of rows, or more rows than its envelope allows, or a row of another user or of no conversation,
    or a value of a wrong type.
    """
    return (_compiled(pages) if IS_COMPILED else None) or by_pyarrow(pages)


def _compiled(pages: Sequence[PageOfUser]) -> PageColumns | None:
    found = compiled_pages.read_pages(tuple(pages))
    if found is None:
        return None
    lengths = pa.Array.from_buffers(pa.int64(), len(pages), [None, pa.py_buffer(found[0])]).to_pylist()
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
