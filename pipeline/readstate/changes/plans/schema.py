"""The columns of a plan."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import starmap
from typing import Any

import msgspec
import pyarrow as pa

from readstate.model.plan import PlanRow

_MOMENT = pa.timestamp("us", tz="UTC")
_TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(PlanRow.__struct_fields__, pa.string()),
    **dict.fromkeys(
        ("plan_row_id", "input_line", "input_line_end", "before_index", "unread_before", "newest_index", "set_index",
         "pre_index"),
        pa.int64(),
    ),
    "fields_mask": pa.int32(),
    **dict.fromkeys(("before_timestamp", "read_at", "set_timestamp"), _MOMENT),
}  # fmt: skip
ROWS = pa.schema(list(_TYPES.items()))
"""One column for each field of `PlanRow`, in its order."""


def to_batch(rows: Sequence[PlanRow]) -> pa.RecordBatch:
    """Return *rows* as columns."""
    return to_columns(map(msgspec.structs.astuple, rows), ROWS)


def to_columns(rows: Iterable[tuple[Any, ...]], schema: pa.Schema) -> pa.RecordBatch:
    """Return *rows*, whose values are in the order of *schema*, as columns."""
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(column, kind) for column, kind in zip(columns, schema.types, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def to_rows(batch: pa.RecordBatch) -> Iterator[PlanRow]:
    """Return the rows that *batch* holds as columns."""
    return starmap(PlanRow, zip(*(column.to_pylist() for column in batch.columns), strict=True))
