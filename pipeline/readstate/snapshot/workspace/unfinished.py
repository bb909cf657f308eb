"""How far the unfinished exports of a work folder are, read from their checkpoints without disturbing them."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

import msgspec

from readstate.disk.databases import translate_database_errors
from readstate.disk.locks import is_locked
from readstate.snapshot.workspace.checkpoint import begun_run
from readstate.snapshot.workspace.workspace import LOCK_NAME, Workspace


class UnfinishedExport(msgspec.Struct, frozen=True, kw_only=True):
    """An export, or one shard of it, that is running, or was stopped or killed."""

    root: str | None
    """As the command named it; None where an earlier version began it."""
    run_id: str
    snapshot_date: date
    state: Literal["running", "stopped"]
    users_done: int
    users_listed: int
    """So far: more may follow until `list_complete`."""
    list_complete: bool
    users_failed: int
    rows: int
    saved_at: datetime
    """When the checkpoint was last written to."""
    folder: str


def work_folders(work_dir: Path) -> Iterator[Path]:
    """Yield the folders of all exports and shards that are unfinished, or not begun yet."""
    for pattern in ("exports/*/", "shards/*/"):
        yield from sorted(path.parent for path in work_dir.glob(f"{pattern}checkpoint.sqlite"))


def look_at(folder: Path) -> UnfinishedExport | None:
    """Return how far the work in *folder* is; None where nothing was begun. Raise `LocalDisk`, `Damaged`."""
    path = Workspace(folder).checkpoint
    if (run := begun_run(path)) is None:
        return None
    hint = f"Look at it and at its permissions. To drop that work:  rm -r {folder}"
    with (
        translate_database_errors(path, kind="checkpoint", hint=hint, if_damaged=hint),
        closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as connection,
    ):
        connection.execute("PRAGMA query_only = ON")
        states = dict(connection.execute("SELECT state, count(*) FROM user GROUP BY state"))
        (rows,) = connection.execute("SELECT coalesce(sum(rows), 0) FROM part").fetchone()
        (unlisted,) = connection.execute("SELECT count(*) FROM service WHERE NOT listed").fetchone()
        root = connection.execute("SELECT json_extract(value, '$') FROM run WHERE name = 'root'").fetchone()
    listed, waiting = sum(states.values()), states.get("pending", 0) + states.get("taken", 0)
    return UnfinishedExport(
        folder=str(folder),
        root=None if root is None else str(root[0]),
        run_id=run.run_id,
        snapshot_date=run.snapshot_date,
        state="running" if is_locked(folder / LOCK_NAME) else "stopped",
        users_listed=listed,
        list_complete=not unlisted,
        users_done=listed - waiting,
        users_failed=states.get("failed", 0),
        rows=rows,
        saved_at=max(datetime.fromtimestamp(file.stat().st_mtime, UTC) for file in folder.glob("checkpoint.sqlite*")),
    )
