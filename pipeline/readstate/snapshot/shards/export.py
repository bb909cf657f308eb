"""One shard of an export: read as a whole export is, then staged instead of published."""

from readstate.snapshot.export.export import run_export
from readstate.snapshot.export.options import ExportContext, ExportOptions
from readstate.snapshot.export.result import draft_manifest, run_rows
from readstate.snapshot.shards.staging import ShardManifest, stage
from readstate.snapshot.workspace.checkpoint import Checkpoint
from readstate.snapshot.workspace.run import Run


async def export_shard(options: ExportOptions, context: ExportContext) -> ShardManifest:
    """Read the users of one shard and stage their rows for `publish_run`. Raise what `export` raises."""

    def finish(run: Run, checkpoint: Checkpoint) -> ShardManifest:
        record = run.record(context.timeline, now=context.clock.now())
        manifest = ShardManifest(
            shard=options.selection.share,
            options=options.fingerprint(),
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

    return await run_export(options, context, finish)
