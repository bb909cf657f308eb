"""One shard of an export: read as a whole export is, then staged instead of published."""

from collections.abc import Mapping, Sequence
from typing import Any

from readstate.snapshot.export.export import run_export
from readstate.snapshot.export.options import ExportContext, ExportOptions
from readstate.snapshot.export.result import draft_manifest, run_rows
from readstate.snapshot.shards.agreement import require_same_options
from readstate.snapshot.shards.staging import ShardManifest, ShardRegistration, Staging, stage
from readstate.snapshot.workspace.checkpoint import Checkpoint
from readstate.snapshot.workspace.run import Run


async def export_shard(
    options: ExportOptions, context: ExportContext, *, command: Sequence[str], restart: bool
) -> ShardManifest:
    """Read the users of one shard and stage their rows for `publish_run`. Raise what `export` raises.

    *command* is the command line without ``--shard``, shown later by `readstate publish` for a missing shard. Raise
    `BadInput` where other shards of the run were begun with other options or another account, unless *restart* is set.
    """
    shard, run_id = options.selection.share, options.run_id
    assert run_id is not None
    staging = Staging(context.store, run_id)

    def agree(wanted: Mapping[str, Any]) -> None:
        if not restart:
            require_same_options(staging, shard, wanted)
        registration = ShardRegistration(
            snapshot_date=options.snapshot_date, options=dict(wanted), command=tuple(command)
        )
        staging.register(shard, registration)

    def finish(run: Run, checkpoint: Checkpoint) -> ShardManifest:
        record = run.record(context.timeline, now=context.clock.now())
        manifest = ShardManifest(
            shard=options.selection.share,
            options=checkpoint.require("options", dict[str, Any]),
            spans=record.spans,
            draft=draft_manifest(options, context, run, record, checkpoint),
        )
        return stage(
            manifest,
            run_rows(checkpoint, context.workspace),
            store=context.store,
            workspace=context.workspace,
            stop=context.stop,
            emit=context.emit,
        )

    return await run_export(options, context, finish, agree=agree)
