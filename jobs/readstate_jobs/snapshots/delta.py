"""What ``--format`` means for Delta tables."""

from collections.abc import Callable
from typing import Literal

from readstate.snapshot.published.delta_tables import require_delta, sync, sync_if_present
from readstate.snapshot.published.snapshot_store import SnapshotStore


def tables_for(format_: Literal["parquet", "delta"] | None) -> Callable[[SnapshotStore], None]:
    """Give what is to be done about Delta tables when a snapshot stands. Raises `BadInput` before anything is begun."""
    if format_ != "delta":
        return sync_if_present
    require_delta()
    return sync
