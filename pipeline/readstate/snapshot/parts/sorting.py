"""Rows brought into the order of their keys, without holding all of them twice."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from readstate.snapshot.published.schema import KEY, ROWS

_SORT_KEYS = [(name, "ascending") for name in KEY]


def sort_columns(columns: Sequence[list[pa.Array]]) -> pa.Table:
    """Sort rows by key, given as the chunks of each column; rows with the same key stay in their order.

    Each column is taken out of *columns* to be sorted, so that its memory can go before the next one's is needed;
    afterwards *columns* holds the sorted ones. After an error it lacks some, rather than to mix columns of two orders.
    """
    keys = [pa.concat_arrays(columns[ROWS.get_field_index(name)]) for name in KEY]
    order = pc.sort_indices(pa.table(keys, names=list(KEY)), sort_keys=_SORT_KEYS)
    ordered = [_taken(chunks, order) for chunks in columns]
    for chunks, column in zip(columns, ordered, strict=True):
        chunks.append(column)
    return pa.table(ordered, schema=ROWS)


def _taken(chunks: list[pa.Array], order: pa.Array) -> pa.Array:
    column = pa.concat_arrays(chunks)
    chunks.clear()
    return column.take(order)
