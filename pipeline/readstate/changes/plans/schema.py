"""The columns of a plan, and a digest of its rows that no file format can change."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from readstate.model.plan import PlanRow

CHUNK_ROWS = 65_536

_MOMENT = pa.timestamp("us", tz="UTC")
_TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(PlanRow.__struct_fields__, pa.string()),
    **dict.fromkeys(
        ("plan_row_id", "input_line", "input_line_end", "before_index", "unread_before", "newest_index", "set_index",
         "pre_index"),
        pa.int64(),
    ),
    **dict.fromkeys(("fields_mask", "before_known_mask", "chunk_no"), pa.int32()),
    **dict.fromkeys(("before_timestamp", "read_at", "set_timestamp"), _MOMENT),
}  # fmt: skip
ROWS = pa.schema(list(_TYPES.items()))
"""One column for each field of `PlanRow`, in its order."""


def to_batch(rows: Sequence[PlanRow]) -> pa.RecordBatch:
    """Turn *rows* into columns."""
    columns = zip(*map(msgspec.structs.astuple, rows), strict=True) if rows else [()] * len(ROWS)
    arrays = [pa.array(column, kind) for column, kind in zip(columns, ROWS.types, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=ROWS)


def to_rows(batch: pa.RecordBatch) -> Iterator[PlanRow]:
    """Turn columns back into rows."""
    columns: list[list[Any]] = [column.to_pylist() for column in batch.columns]
    names = PlanRow.__struct_fields__
    for values in zip(*columns, strict=True):
        yield PlanRow(**dict(zip(names, values, strict=True)))


def digest_chunk(batch: pa.RecordBatch) -> str:
    """The sha256 of the values of a chunk of rows.

    It covers, column by column in the order of `ROWS`: the name and a line feed; then, as little-endian
    64-bit integers, whether each value is there (1 or 0), and the values themselves (0 where there is none;
    timestamps as microseconds since 1970), or for text the lengths in bytes followed by the UTF-8 bytes of all.
    """
    digest = hashlib.sha256()
    for name, column in zip(ROWS.names, batch.columns, strict=True):
        digest.update(f"{name}\n".encode())
        digest.update(_integers(pc.is_valid(column)))
        if pa.types.is_string(column.type):
            text = pc.fill_null(column, "")
            digest.update(_integers(pc.binary_length(text)))
            digest.update(_text(text))
        else:
            digest.update(_integers(pc.fill_null(pc.cast(column, pa.int64()), 0)))
    return digest.hexdigest()


def digest_chunks(chunks: Iterable[str]) -> str:
    """The sha256 of a list of chunk digests: of all rows in their order."""
    return hashlib.sha256("\n".join(chunks).encode()).hexdigest()


def _integers(array: pa.Array) -> memoryview:
    array = pc.cast(array, pa.int64())
    start = array.offset * 8
    return memoryview(array.buffers()[1] or b"")[start : start + len(array) * 8]


def _text(array: pa.StringArray) -> memoryview:
    _, offsets, data = array.buffers()
    places = memoryview(offsets).cast("i") if offsets else memoryview(b"")
    if data is None or len(array) == 0:
        return memoryview(b"")
    return memoryview(data)[places[array.offset] : places[array.offset + len(array)]]
