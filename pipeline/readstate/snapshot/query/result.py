"""What a query returns, wherever it runs."""

from collections.abc import Iterator

import pyarrow as pa
from msgspec import Struct

from readstate.errors import BadInput


class QueryResult(Struct, frozen=True):
    """The rows of a query, read as they are consumed."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    """Iterating raises `BadInput` where a row cannot be computed, such as a cast of a text that is no number."""


def out_of_memory(limit: str) -> BadInput:
    """Return the error of a query that needs more than *limit*."""
    return BadInput(
        f"the query needs more than the {limit} that it may use",
        hint="Name fewer columns, filter before joining and sorting, and count instead of collecting lists or texts.",
    )
