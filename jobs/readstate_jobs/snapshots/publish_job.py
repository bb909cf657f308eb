"""Wires the publishing of shards; for the command line and for schedulers alike."""

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from readstate.clock import SystemClock
from readstate.model.quantities import parse_allowance
from readstate.observers.monitor import monitor_run
from readstate.settings import Settings
from readstate.snapshot.published.delta_tables import sync_if_present
from readstate.snapshot.published.snapshot_store import SnapshotStore
from readstate.snapshot.shards.publish import Published, PublishOptions, publish_run
from readstate.snapshot.workspace.disk_thread import DiskThread
from readstate.snapshot.workspace.workspace import run_workspace
from readstate.stop import StopSwitch
from readstate_jobs.cli.event_loop import run
from readstate_jobs.cli.memory import tune_allocator


def publish_staged(
    settings: Settings,
    store: SnapshotStore,
    *,
    run_id: str,
    replaces: bool = False,
    keeps_staging: bool = False,
    tables: Callable[[SnapshotStore], None] = sync_if_present,
) -> Published:
    """Publish the shards of a run, then do as *tables* says; see `readstate.snapshot.shards.publish.publish_run`."""
    options = PublishOptions(
        run_id=run_id,
        max_failed_users=parse_allowance(settings.max_failed_users),
        on_incomplete=settings.on_incomplete,
        file_bytes=settings.file_megabytes << 20,
        tool_version=version("readstate"),
        replaces=replaces,
        keeps_staging=keeps_staging,
    )

    async def work(stop: StopSwitch) -> Published:
        clock = SystemClock()
        with run_workspace(Path(settings.work_dir), root=store.root, run_id=run_id, work="publish") as place:
            try:
                with monitor_run(settings, command="publish", clock=clock) as monitor, DiskThread() as disk:
                    published = await disk.run(
                        publish_run, options, store=store, place=place, stop=stop, clock=clock, emit=monitor.emit
                    )
                    monitor.mark_success()
                    return published
            finally:
                # Nothing in it took long to make, and all of it is still staged.
                place.remove()

    tune_allocator()
    published = run(work)
    tables(store)
    return published
