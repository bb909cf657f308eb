"""Snapshots as views of a sandboxed in-memory DuckDB: no query can reach a file, the network or a setting."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from operator import attrgetter
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from msgspec import Struct
from pyarrow import dataset as ds

from readstate.disk.files import scratch_folder
from readstate.errors import BadInput
from readstate.snapshot.compare.change_feed import CHANGES
from readstate.snapshot.compare.compare import compare
from readstate.snapshot.published.manifest import Dataset, Manifest
from readstate.snapshot.published.schema import SCHEMAS
from readstate.snapshot.published.snapshot import Snapshot, open_dataset, open_snapshot
from readstate.snapshot.published.snapshot_store import SnapshotStore
from readstate.snapshot.query.views import SNAPSHOT_COLUMNS, SNAPSHOT_DATE, SNAPSHOTS, VIEWS

MEMORY_LIMIT = "800MB"
"""What tables, joins, sorts and aggregations of one query may hold in memory; the rest spills to the disk."""
TEMPORARY_LIMIT = "10GB"
_MOST_THREADS = 8
"""Each thread holds vectors that no limit counts."""

_NARROW_ROWS = 32_768


class Catalog(Struct, frozen=True):
    """A sandboxed connection with a view for each dataset."""

    connection: duckdb.DuckDBPyConnection
    snapshot: Snapshot
    """The snapshot that `user_conversations`, `users`, `failures` and `changes` show."""

    def query_columns(self, query: str, parameters: Sequence[object] = (), *, columns: Sequence[str]) -> list[Any]:
        """Return the rows of *query* over the view `narrow`: *columns* of the snapshot's conversations, streamed.

        Through `user_conversations` DuckDB reads far ahead: 600 MB of texts in a snapshot of 10 million rows, and is no
        faster.
        """
        scanner = self.snapshot.dataset().scanner(
            columns=list(columns), batch_size=_NARROW_ROWS, batch_readahead=2, fragment_readahead=1
        )
        self.connection.register("narrow", scanner)
        try:
            return self.connection.execute(query, list(parameters)).fetchall()
        finally:
            self.connection.unregister("narrow")


@contextmanager
def open_catalog(root: str, day: date | None = None, *, for_query: str = "") -> Iterator[Catalog]:
    """Open the snapshots below *root*; *day* chooses one, None the newest. Raise `BadInput`.

    The view `changes` exists only where *for_query* mentions it, because comparing reads two whole snapshots.
    """
    snapshot = open_snapshot(root, day)
    manifests = [known for date in snapshot.store.dates() if (known := snapshot.store.manifest(date)) is not None]
    with scratch_folder() as folder, _sandboxed(folder) as connection:
        for name in SCHEMAS:
            connection.register(name, snapshot.dataset(name))
            connection.register(f"{name}_all", _every_snapshot(snapshot.store, manifests, name))
        connection.register("latest", Snapshot(snapshot.store, manifests[-1]).dataset())
        connection.register("snapshots", _snapshots_table(manifests))
        if re.search(r"\bchanges\b", for_query, re.IGNORECASE):
            connection.register("changes", _changes_since_previous(snapshot, folder))
        with _translate_interrupt():
            yield Catalog(connection, snapshot)


@contextmanager
def _translate_interrupt() -> Iterator[None]:
    """Raise `KeyboardInterrupt` on Ctrl-C, which DuckDB turns into an error of its own."""
    try:
        yield
    except (duckdb.InterruptException, RuntimeError) as error:
        if isinstance(error, duckdb.InterruptException) or str(error) == "Query interrupted":
            raise KeyboardInterrupt from error
        raise


def _sandboxed(folder: Path) -> duckdb.DuckDBPyConnection:
    """Open a database that is locked down before any view exists.

    Data is read by Arrow: with DuckDB's own reader the files' paths would have to be
    allowed, and a path that is allowed for reading is allowed for COPY … TO as well.
    """
    connection = duckdb.connect(
        ":memory:",
        config={
            "temp_directory": str(folder),
            "memory_limit": MEMORY_LIMIT,
            "max_temp_directory_size": TEMPORARY_LIMIT,
            "threads": str(min(os.cpu_count() or 1, _MOST_THREADS)),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "python_enable_replacements": "false",
        },
    )
    # The last of these: after it no statement can undo the others.
    for setting in ("TimeZone = 'UTC'", "enable_external_access = false", "lock_configuration = true"):
        connection.execute(f"SET {setting}")
    return connection


def _every_snapshot(store: SnapshotStore, manifests: list[Manifest], name: Dataset) -> ds.Dataset:
    files = [file for manifest in manifests for file in manifest.files_of(name)]
    partitioning = ds.partitioning(pa.schema([SNAPSHOT_DATE]), flavor="hive")
    return open_dataset(store, files, VIEWS[f"{name}_all"], partitioning=partitioning)


def _changes_since_previous(snapshot: Snapshot, folder: Path) -> ds.Dataset:
    store, day = snapshot.store, snapshot.manifest.snapshot_date
    earlier = store.date_before(day)
    if earlier is None:
        raise BadInput(
            f"{store.root}: there is no snapshot before {day}, so no changes",
            hint="Export again on another day.",
        )
    feed = folder / "changes.parquet"
    compare(open_snapshot(store.root, earlier), snapshot, feed=feed)
    return ds.dataset(feed, schema=CHANGES, format="parquet")


def _snapshots_table(manifests: list[Manifest]) -> pa.Table:
    columns = [[attrgetter(path)(manifest) for manifest in manifests] for _, path in SNAPSHOT_COLUMNS.values()]
    return pa.table(columns, schema=SNAPSHOTS)
