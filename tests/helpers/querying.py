"""Runs a query over published snapshots and returns its rows."""

from datetime import date
from pathlib import Path
from typing import Any

from readstate.snapshot.query.catalog import open_catalog
from readstate.snapshot.query.query import run_query


def query_rows(root: Path | str, query: str, day: date | None = None) -> list[tuple[Any, ...]]:
    """Return the rows of *query* over the snapshots below *root*."""
    with open_catalog(str(root), day, for_query=query) as snapshots:
        return [tuple(line.values()) for batch in run_query(snapshots, query).batches for line in batch.to_pylist()]
