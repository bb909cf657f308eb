"""Rows brought into the order of their keys, without holding all of them twice."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.snapshot.schema import KEY, ROWS

_SORT_KEYS = [(name, "ascending") for name in KEY]


def sort_columns(columns: Sequence[list[pa.Array]]) -> pa.Table:
    """Sort rows by key, given as the chunks of each column; rows with the same key stay in their order.

    Each column is taken out of *columns* as soon as it is sorted, so that its memory can go before the next one's is
    needed; afterwards *columns* holds the sorted ones.
    """
    keys = [pa.concat_arrays(columns[ROWS.get_field_index(name)]) for name in KEY]
    order = pc.sort_indices(pa.table(keys, names=list(KEY)), sort_keys=_SORT_KEYS)
    for chunks in columns:
        chunks[:] = [pa.concat_arrays(chunks).take(order)]
    return pa.table([chunks[0] for chunks in columns], schema=ROWS)
