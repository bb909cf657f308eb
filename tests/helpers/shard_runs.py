"""Exports in shards, beside one export by one process of the same world."""

from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from readstate.clock import SystemClock
from readstate.events import Event
from readstate.model.quantities import Allowance
from readstate.snapshot.published.snapshot import open_snapshot
from readstate.snapshot.published.snapshot_store import open_store
from readstate.snapshot.roster.selection import RosterSelection
from readstate.snapshot.roster.shard import Shard
from readstate.snapshot.shards.export import export_shard
from readstate.snapshot.shards.publish import Published, PublishOptions, publish_run
from readstate.snapshot.shards.staging import ShardManifest, Staging
from readstate.snapshot.workspace.workspace import Workspace, run_workspace
from readstate.stop import StopSwitch
from tests.helpers.exporting import Export

RUN = "nightly"


class ShardedExport(Export):
    """An export in shards, each of which can be run repeatedly."""

    async def run_shard(self, shard: Shard, *, work_dir: Path | None = None, **changes: Any) -> ShardManifest:
        selection = changes.pop("selection", RosterSelection())
        changes |= {
            "selection": RosterSelection(selection.services, selection.entries, selection.limit, shard),
            "run_id": RUN,
        }
        # As with --restart, which lets a test run shards that disagree, and see what publishing says.
        flow = partial(export_shard, command=("readstate", "export"), restart=changes.pop("restart", True))
        workspace = run_workspace(work_dir or self.work_dir, root=self.root, run_id=RUN, work=shard.folder)
        return await self.carry_out(flow, workspace, **changes)

    async def run_shards(self, count: int, **changes: Any) -> list[ShardManifest]:
        return [await self.run_shard(Shard(number, count), **changes) for number in range(1, count + 1)]

    @property
    def staging(self) -> Staging:
        return Staging(open_store(self.root), RUN)

    def publish(self, **changes: Any) -> Published:
        plain = {
            "run_id": RUN,
            "max_failed_users": Allowance(share=0.001),
            "on_incomplete": "publish",
            "file_bytes": 128 << 20,
            "tool_version": "0",
        }
        with run_workspace(self.work_dir, root=self.root, run_id=RUN, work="publish") as workspace:
            return self.publish_in(workspace, PublishOptions(**plain | changes))

    def publish_in(self, workspace: Workspace, publishing: PublishOptions) -> Published:
        return publish_run(
            publishing,
            store=open_store(self.root),
            workspace=workspace,
            stop=StopSwitch(),
            clock=SystemClock(),
            emit=self.on_publishing,
        )

    def on_publishing(self, event: Event) -> None:
        """Overridden by tests that interfere."""


def tables(root: str) -> dict[str, pa.Table]:
    """Return the tables of a snapshot without times and request ids: in these two runs over one world must agree."""
    snapshot = open_snapshot(root)
    return {
        "user_conversations": snapshot.dataset().to_table().drop_columns(["snapshot_at"]),
        "users": snapshot.users().drop_columns(["snapshot_at"]),
        "failures": snapshot.failures().drop_columns(["failed_at", "request_id"]),
    }


def assert_same_snapshots(one: Export, other: Export) -> None:
    """Compare tables, and what both manifests must agree in."""
    mine, theirs = tables(one.root), tables(other.root)
    for dataset, table in mine.items():
        assert table.schema.equals(theirs[dataset].schema, check_metadata=True), dataset
        assert table.equals(theirs[dataset]), dataset
    first, second = open_snapshot(one.root).manifest, open_snapshot(other.root).manifest
    for name in ("services", "users", "rows", "roster", "complete", "account_sid", "base_url", "blanked_columns"):
        assert getattr(first, name) == getattr(second, name), name
    assert [(file.dataset, file.rows) for file in first.files] == [(file.dataset, file.rows) for file in second.files]


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*.*")}
