"""One shard of an export: read as a whole export is, then staged instead of published."""

from readstate.snapshot.export.export import run_export
from readstate.snapshot.export.options import ExportContext, ExportOptions
from readstate.snapshot.export.result import findings_of
from readstate.snapshot.published.schema import SCHEMA_VERSION
from readstate.snapshot.shards.staging import ShardManifest, stage
from readstate.snapshot.workspace.checkpoint import Checkpoint
from readstate.snapshot.workspace.run import Run


async def export_shard(options: ExportOptions, context: ExportContext) -> ShardManifest:
    """Read the users of one shard and stage their rows for `publish_run`. Raises what `export` raises."""

    def finish(run: Run, checkpoint: Checkpoint) -> ShardManifest:
        findings = findings_of(checkpoint, context.workspace)
        record = run.record(context.requests, context.timeline, now=context.clock.now())
        draft = ShardManifest(
            schema_version=SCHEMA_VERSION,
            tool_version=context.tool_version,
            run_id=run.run_id,
            shard=options.selection.share,
            snapshot_date=options.snapshot_date,
            options=options.fingerprint(),
            account_sid=run.account_sid,
            base_url=options.base_url,
            roster=options.roster(),
            blanked_columns=options.blanked_columns,
            started_at=run.started_at,
            ended_at=context.clock.now(),
            record=record,
            services=findings.services,
            users=findings.users,
            rows=findings.rows,
            unknown_fields=findings.unknown_fields,
        )
        return stage(
            draft, findings, store=context.store, workspace=context.workspace, stop=context.stop, emit=context.emit
        )

    return await run_export(options, context, finish)
