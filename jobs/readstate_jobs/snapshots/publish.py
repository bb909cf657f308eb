"""``readstate publish``: one snapshot of what the shards of a run have staged."""

from pathlib import Path
from typing import Any

from readstate import __version__
from readstate.clock import SystemClock
from readstate.concurrency import WorkerThread
from readstate.errors import ExitCode
from readstate.model.quantities import parse_allowance
from readstate.observers.monitor import monitor_run
from readstate.settings.settings import Settings
from readstate.snapshot.export.options import FEW_MISSING
from readstate.snapshot.published.snapshot_store import SnapshotStore, open_store
from readstate.snapshot.roster.shard import parse_run_id
from readstate.snapshot.shards.publish import Published, PublishOptions, publish_run
from readstate.snapshot.workspace.workspace import remove_leftovers, run_workspace
from readstate.stop import StopSwitch
from readstate_jobs.cli.event_loop import run
from readstate_jobs.cli.memory import tune_allocator
from readstate_jobs.cli.options import (
    settings_from,
)
from readstate_jobs.snapshots.export_job import delta_tables_for
from readstate_jobs.snapshots.export_output import show_export


def carry_out(root: str, run_id: str, **options: Any) -> int:
    """Carry out ``readstate publish`` and return its exit code."""
    as_json: bool = options.pop("as_json")
    tables = delta_tables_for(wanted=options.pop("delta"))
    allow_missing = options.pop("allow_missing") or FEW_MISSING
    replaces, keeps_staging = options.pop("again"), options.pop("keep_staging")
    settings = settings_from(options).settings
    publishing = PublishOptions(
        run_id=parse_run_id(run_id),
        max_failed_users=parse_allowance(settings.max_failed_users),
        allow_missing=allow_missing,
        on_incomplete=settings.on_incomplete,
        file_bytes=settings.file_megabytes << 20,
        tool_version=__version__,
        replaces=replaces,
        keeps_staging=keeps_staging,
    )
    store = open_store(root)
    remove_leftovers(Path(settings.work_dir), root=store.root, published=store.published_run)
    tune_allocator()
    published = run(lambda stop: _publish(settings, publishing, store, stop))
    tables(store)
    show_export(published.manifest, root=root, changes=None, already_published=published.already, as_json=as_json)
    return ExitCode.DONE if published.manifest.complete else ExitCode.SOME_FAILED


async def _publish(settings: Settings, options: PublishOptions, store: SnapshotStore, stop: StopSwitch) -> Published:
    clock = SystemClock()
    with run_workspace(Path(settings.work_dir), root=store.root, run_id=options.run_id, work="publish") as workspace:
        try:
            with monitor_run(settings, command="publish", clock=clock) as monitor, WorkerThread() as disk:
                published = await disk.run(
                    publish_run, options, store=store, workspace=workspace, stop=stop, clock=clock, emit=monitor.emit
                )
                monitor.mark_success()
                return published
        finally:
            # Cheap to make again, from files that are still staged.
            workspace.remove()
