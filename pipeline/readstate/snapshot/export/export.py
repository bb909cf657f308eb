"""One export: roster, users, parts, then a snapshot or a staged shard; stopped or killed, it goes on where it was."""

from collections.abc import Callable
from typing import TypeVar

from readstate.clock import Clock
from readstate.concurrency import WorkerThread
from readstate.errors import BadInput, LocalDisk
from readstate.events import Message, RunResumed, UsersForeseen
from readstate.model.resources import Configuration
from readstate.snapshot.export.options import ExportContext, ExportOptions, option_differences
from readstate.snapshot.export.previous_snapshot import foreseen_users, last_snapshot, long_lists
from readstate.snapshot.export.publish import Publication, publish
from readstate.snapshot.export.read_all import read_all
from readstate.snapshot.export.result import findings_of, refuse_if_too_many_failed
from readstate.snapshot.published.manifest import Manifest
from readstate.snapshot.published.snapshot_store import SnapshotStore
from readstate.snapshot.workspace.checkpoint import Checkpoint
from readstate.snapshot.workspace.run import Run, begin, resume
from readstate.snapshot.workspace.spans import idle_seconds
from readstate.snapshot.workspace.workspace import Workspace
from readstate.stop import cancel_after_grace

Result = TypeVar("Result")


async def export(options: ExportOptions, context: ExportContext) -> Manifest:
    """Read what *options* ask for and publish it; give the manifest.

    Raises `Stopped` where somebody asked for it (all that was read is kept), `GuardRefused` where too many users
    failed and an incomplete snapshot is not to be published, `PublishedMeanwhile`, `NotPermitted`, `StoppedEarly`,
    `LocalDisk`.
    """

    def finish(run: Run, checkpoint: Checkpoint) -> Manifest:
        findings = findings_of(checkpoint, context.workspace)
        refuse_if_too_many_failed(
            findings.users,
            options.max_failed_users,
            on_incomplete=options.on_incomplete,
            to_try_again="Run the same command again",
        )
        record = run.record(context.requests, context.timeline, now=context.clock.now())
        publication = Publication(
            run_id=run.run_id,
            file_stem=run.run_id,
            snapshot_date=options.snapshot_date,
            started_at=run.started_at,
            starts=len(record.spans),
            paused_seconds=idle_seconds(record.spans),
            account_sid=run.account_sid,
            base_url=options.base_url,
            roster=options.roster(),
            blanked_columns=options.blanked_columns,
            requests=record.requests,
            timeline=record.timeline,
            file_bytes=options.file_bytes,
            tool_version=context.tool_version,
            replaces=options.replaces,
        )
        return publish(
            publication,
            findings,
            store=context.store,
            workspace=context.workspace,
            stop=context.stop,
            clock=context.clock,
            emit=context.emit,
        )

    return await run_export(options, context, finish)


async def run_export(
    options: ExportOptions, context: ExportContext, finish: Callable[[Run, Checkpoint], Result]
) -> Result:
    """Read all users, then *finish* on the disk's thread; keep what was read unless that succeeds."""
    context.store.objects.require_writable()
    with WorkerThread() as disk:
        checkpoint = await disk.run(Checkpoint, context.workspace.checkpoint)
        is_finished = False
        try:
            async with cancel_after_grace(options.grace_seconds, stop=context.stop, clock=context.clock):
                run = await _begin_or_resume(options, context, checkpoint, disk)
                await disk.run(_remove_strays, context.workspace, checkpoint)
                await read_all(options, context, run, checkpoint, disk)
            result = await disk.run(finish, run, checkpoint)
            is_finished = True
        finally:
            # A start that ended before it knew a user, such as one with a mistyped service, leaves nothing behind.
            is_worth_keeping = not is_finished and await disk.run(checkpoint.knows_users)
            await disk.run(checkpoint.close)
            if not is_worth_keeping:
                await disk.run(context.workspace.remove)
    return result


async def _begin_or_resume(
    options: ExportOptions, context: ExportContext, checkpoint: Checkpoint, disk: WorkerThread
) -> Run:
    begun_with = await disk.run(checkpoint.recall, "options")
    if begun_with is None:
        configuration = await context.reader.configuration()
        # First the options: a kill in between must not leave users whom another start does not ask for.
        run = await disk.run(
            begin,
            checkpoint,
            run_id=options.run_id or _new_run_id(context.clock),
            account_sid=configuration.account_sid,
            options=options.fingerprint(),
            clock=context.clock,
        )
        await _foresee(options, context, checkpoint, disk, configuration)
        return run
    if different := option_differences(begun_with, options.fingerprint()):
        raise BadInput(
            f"an unfinished export of {options.snapshot_date} was begun with other options ({', '.join(different)})",
            hint="Repeat its options to resume it, or add --restart to begin anew.",
        )
    run = await disk.run(resume, checkpoint, clock=context.clock)
    done = await disk.run(checkpoint.progress)
    settled = done.read + done.vanished
    context.emit(RunResumed(run.run_id, settled, done.listed - settled, done.rows))
    return run


async def _foresee(
    options: ExportOptions,
    context: ExportContext,
    checkpoint: Checkpoint,
    disk: WorkerThread,
    configuration: Configuration,
) -> None:
    """Let the run know beforehand what the last snapshot knows; where that is damaged, the list alone must do."""
    try:
        foreseen = await disk.run(_foreseen, options, context.store, checkpoint, configuration)
    except (BadInput, LocalDisk) as error:
        context.emit(Message(f"The last snapshot is of no help: {error.message}"))
        return
    if foreseen:
        context.emit(UsersForeseen(foreseen))


def _foreseen(
    options: ExportOptions, store: SnapshotStore, checkpoint: Checkpoint, configuration: Configuration
) -> int:
    """Give how many users are known beforehand."""
    last = last_snapshot(store, options.snapshot_date)
    if last is None:
        return 0
    checkpoint.expect_sizes(long_lists(store, last))
    default = configuration.default_chat_service_sid
    return checkpoint.foresee(
        foreseen_users(store, last, options, account_sid=configuration.account_sid, default_service=default)
    )


def _new_run_id(clock: Clock) -> str:
    return f"r-{clock.now():%Y%m%dT%H%M%SZ}-{int(clock.random() * 0x10000):04x}"


def _remove_strays(workspace: Workspace, checkpoint: Checkpoint) -> None:
    """Remove parts that were written and never counted, because the process died in between."""
    counted = {part.name for part in checkpoint.parts()}
    for path in workspace.parts.iterdir():
        if path.name not in counted:
            path.unlink()
