"""What ``--format`` means for Delta tables."""

from collections.abc import Callable
from typing import Literal

from readstate.snapshot.published.delta_tables import follow, keep, require_delta
from readstate.snapshot.published.snapshot_store import Store


def tables_for(format_: Literal["parquet", "delta"] | None) -> Callable[[Store], None]:
    """Give what is to be done about Delta tables when a snapshot stands. Raises `BadInput` before anything is begun."""
    if format_ != "delta":
        return follow
    require_delta()
    return keep
