"""Compares the two snapshots that a test has published."""

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq

from readstate.snapshot.compare.compare import Comparison, compare
from readstate.snapshot.published.snapshot import open_snapshot

OLD, NEW = date(2026, 11, 22), date(2026, 11, 23)


def compare_published(root: Path) -> tuple[Comparison, list[dict[str, Any]]]:
    """Return the comparison of the snapshots of OLD and NEW, and the rows of its feed."""
    with TemporaryDirectory() as folder:
        feed = Path(folder) / "feed.parquet"
        before, after = open_snapshot(str(root), OLD), open_snapshot(str(root), NEW)
        comparison = compare(before, after, feed=feed)
        return comparison, pq.read_table(feed).to_pylist()
