"""Read everything and publish it as Parquet."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.snapshot.snapshot import Snapshot, open_snapshot

__all__ = ["Snapshot", "open_snapshot"]


def __getattr__(name: str) -> Any:
    """Import what is asked for, so that importing the package alone stays cheap."""
    if name not in __all__:
        raise AttributeError(name)
    from pipeline.snapshot import snapshot

    return getattr(snapshot, name)
