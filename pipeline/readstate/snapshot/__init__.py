"""Read everything and publish it as Parquet."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from readstate.snapshot.published.snapshot import Snapshot, open_snapshot

__all__ = ["Snapshot", "open_snapshot"]


def __getattr__(name: str) -> Any:
    """Import what is asked for, so that importing the package alone stays cheap."""
    if name not in __all__:
        raise AttributeError(name)
    from readstate.snapshot.published import snapshot

    return getattr(snapshot, name)
