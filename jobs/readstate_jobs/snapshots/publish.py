"""``readstate publish``: one snapshot of what the shards of a run have staged."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

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
    completeness_options,
    json_option,
    outcome_options,
    settings_from,
    work_options,
)
from readstate_jobs.help.command import GroupedCommand
from readstate_jobs.help.file_name import FileName
from readstate_jobs.snapshots.export_job import delta_tables_for
from readstate_jobs.snapshots.export_output import show_export


@click.command(cls=GroupedCommand)
@click.argument("root", type=FileName())
@click.option("--run", "run_id", required=True, metavar="ID", help="The name of the run, as given to its shards.")
@completeness_options
@click.option("--again", is_flag=True, help="Replace the snapshot of this date that another run has published.")
@click.option("--delta", is_flag=True, help="Keep Delta tables too, over the same files.")
@click.option("--keep-staging", is_flag=True, help="Keep the staged files of the shards.")
@json_option
@outcome_options
@work_options
def command(root: str, run_id: str, **options: Any) -> int:
    """Publish the staged shards of a run below ROOT as one snapshot.

    No request is sent to Twilio, and publishing twice is harmless.
    Exit code 11: a shard is missing; the message names it.
    """
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
        tool_version=version("readstate"),
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
