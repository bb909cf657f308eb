"""One export: roster, users, parts, then a snapshot or a staged shard. A stopped or killed one can be resumed."""

import asyncio
from collections.abc import Callable, Mapping
from math import ceil
from typing import Any, TypeVar

import msgspec

from readstate.clock import Clock
from readstate.concurrency import WorkerThread
from readstate.errors import BadInput, LocalDisk
from readstate.events import Message, PagesForeseen, RunResumed, UsersForeseen
from readstate.model.resources import Configuration
from readstate.snapshot.export.ingest import Ingest
from readstate.snapshot.export.options import ExportContext, ExportOptions, option_differences
from readstate.snapshot.export.previous_snapshot import (
    is_same_account,
    long_lists,
    newest_snapshot,
    users_to_preload,
    usual_concurrency,
)
from readstate.snapshot.export.publish import Publisher
from readstate.snapshot.export.result import draft_manifest, require_few_failures, run_rows
from readstate.snapshot.export.same_account import require_same_account, require_same_run
from readstate.snapshot.extract.fetch import PageBuffer, fetch_users
from readstate.snapshot.extract.spill import Spill
from readstate.snapshot.published.manifest import Manifest
from readstate.snapshot.published.snapshot_store import SnapshotStore
from readstate.snapshot.roster.roster import Roster
from readstate.snapshot.workspace.checkpoint import Checkpoint
from readstate.snapshot.workspace.run import Run, begin, resume
from readstate.stop import cancel_after_grace
from readstate.twilio.http.request import MAX_PAGE_SIZE

Result = TypeVar("Result")


async def export(options: ExportOptions, context: ExportContext) -> Manifest:
    """Read what *options* ask for and publish it; return the manifest.

    Raise `Stopped` where a stop was requested (all that was read is kept), `GuardRefused` where too many users failed
    and an incomplete snapshot is not to be published, `PublishedMeanwhile`, `NotPermitted`, `StoppedEarly`,
    `LocalDisk`.
    """

    def finish(run: Run, checkpoint: Checkpoint) -> Manifest:
        record = run.record(context.timeline, now=context.clock.now())
        draft = draft_manifest(options, context, run, record, checkpoint)
        require_few_failures(
            draft.users,
            options.max_failed_users,
            allow_missing=options.allow_missing,
            on_incomplete=options.on_incomplete,
            to_try_again="Run the same command again",
        )
        publisher = Publisher(
            store=context.store,
            workspace=context.workspace,
            file_stem=run.run_id,
            file_bytes=options.file_bytes,
            replaces=options.replaces,
            stop=context.stop,
            clock=context.clock,
            emit=context.emit,
        )
        return publisher.publish(draft, run_rows(checkpoint, context.workspace))

    return await run_export(options, context, finish)


async def run_export(
    options: ExportOptions,
    context: ExportContext,
    finish: Callable[[Run, Checkpoint], Result],
    *,
    agree: Callable[[Mapping[str, Any]], None] = lambda _options: None,
) -> Result:
    """Read all users, then call *finish* on the checkpoint's thread; keep what was read unless that succeeds.

    *agree* is called before anything is read, with all that must not change, and may refuse it.
    """
    context.store.objects.require_writable()
    with WorkerThread() as disk:
        checkpoint = await disk.run(Checkpoint, context.workspace.checkpoint)
        is_finished = False
        try:
            async with cancel_after_grace(options.grace_seconds, stop=context.stop, clock=context.clock):
                configuration = await context.reader.configuration()
                account = options.account(configuration)
                await disk.run(require_same_account, context.store, options.snapshot_date, account)
                await disk.run(agree, options.fingerprint() | account)
                run = await _begin_or_resume(options, context, configuration, checkpoint, disk)
                # Parts that were written and never committed, because the process died in between.
                committed = {part.name for part in await disk.run(checkpoint.parts)}
                await disk.run(context.workspace.remove_parts_except, committed)
                await _read_all(options, context, run, checkpoint, disk)
            result = await disk.run(finish, run, checkpoint)
            is_finished = True
        finally:
            # A start that ended before it knew a user, such as one with a mistyped service, leaves nothing behind.
            is_worth_keeping = not is_finished and await disk.run(checkpoint.knows_users)
            await disk.run(checkpoint.close)
            if not is_worth_keeping:
                await disk.run(context.workspace.remove)
    return result


def roster_of(options: ExportOptions, context: ExportContext, checkpoint: Checkpoint, disk: WorkerThread) -> Roster:
    """Return the roster that *options* select."""
    return Roster(
        options.selection,
        reader=context.reader,
        checkpoint=checkpoint,
        disk=disk,
        stop=context.stop,
        clock=context.clock,
        emit=context.emit,
        parallel=options.parallel,
    )


async def _begin_or_resume(
    options: ExportOptions,
    context: ExportContext,
    configuration: Configuration,
    checkpoint: Checkpoint,
    disk: WorkerThread,
) -> Run:
    begun_with = await disk.run(checkpoint.get, "options", dict[str, Any])
    if begun_with is None:
        # First the options: a kill in between must not leave users that a start with other options does not read.
        run = await disk.run(
            begin,
            checkpoint,
            root=context.store.root,
            run_id=options.run_id or _new_run_id(context.clock),
            account_sid=configuration.account_sid,
            options=options.fingerprint() | options.account(configuration),
            clock=context.clock,
        )
        await _preload(options, context, checkpoint, disk, configuration)
        return run
    require_same_run(begun_with, options.account(configuration), day=options.snapshot_date)
    if different := option_differences(begun_with, options.fingerprint()):
        raise BadInput(
            f"an unfinished export of {options.snapshot_date} was started with other options ({', '.join(different)})",
            hint="Repeat its options to resume it, or add --restart to start over.",
        )
    run = await disk.run(resume, checkpoint, clock=context.clock)
    progress = await disk.run(checkpoint.progress)
    done = progress.read + progress.vanished + progress.unknown
    context.emit(RunResumed(run.run_id, done, progress.listed - done, progress.rows))
    if checkpoint.has_preloaded:
        await _foresee(options, context, checkpoint, disk)
    return run


async def _foresee(options: ExportOptions, context: ExportContext, checkpoint: Checkpoint, disk: WorkerThread) -> None:
    """Say how much there is to read, for who watches the run."""
    users, pages, pages_done = await disk.run(checkpoint.expected_requests, MAX_PAGE_SIZE)
    # How far an earlier start came with the list is not looked up: reading is what takes time.
    roster_pages = 0 if pages_done else ceil(users * options.selection.share.count / MAX_PAGE_SIZE)
    context.emit(PagesForeseen(pages, pages_done, roster_pages))


async def _preload(
    options: ExportOptions,
    context: ExportContext,
    checkpoint: Checkpoint,
    disk: WorkerThread,
    configuration: Configuration,
) -> None:
    """Begin with what the previous snapshot knows: users, and pace. Where it is damaged, the list must do alone."""
    try:
        previous = await disk.run(newest_snapshot, context.store, options.snapshot_date)
        if previous is None:
            return
        if is_same_account(previous, options, configuration.account_sid):
            # Half, and from there in slow start: the account may admit less today, or have more other traffic.
            context.limiter.begin_at(context.clock.monotonic(), usual_concurrency(previous) / 2)
        preloaded = await disk.run(_preload_users, options, context.store, checkpoint, configuration, previous)
    except (BadInput, LocalDisk) as error:
        context.emit(Message(f"The previous snapshot cannot be used to start faster: {error.message}"))
        return
    if preloaded:
        context.emit(UsersForeseen(preloaded))
        await _foresee(options, context, checkpoint, disk)


def _preload_users(
    options: ExportOptions,
    store: SnapshotStore,
    checkpoint: Checkpoint,
    configuration: Configuration,
    previous: Manifest,
) -> int:
    checkpoint.preload_sizes(long_lists(store, previous))
    default = configuration.default_chat_service_sid
    return checkpoint.preload_users(
        users_to_preload(store, previous, options, account_sid=configuration.account_sid, default_service=default)
    )


async def _read_all(
    options: ExportOptions, context: ExportContext, run: Run, checkpoint: Checkpoint, disk: WorkerThread
) -> None:
    """Read the roster and all of its users into parts. Whatever was counted when it ends is on disk."""
    buffer = PageBuffer(Spill(context.workspace.folder))
    roster = roster_of(options, context, checkpoint, disk)

    def counters() -> dict[str, Any]:
        return {"record": msgspec.to_builtins(run.record(context.timeline, now=context.clock.now()))}

    # A thread of its own: the roster waits for the checkpoint's thread all the time, and must not wait for parts.
    with WorkerThread() as parts_disk:
        ingest = Ingest(
            checkpoint=checkpoint,
            folder=context.workspace.parts,
            checkpoint_disk=disk,
            parts_disk=parts_disk,
            buffer=buffer,
            blanked_columns=options.blanked_columns,
            limits=options.part_limits,
            counters=counters,
            clock=context.clock,
            emit=context.emit,
        )
        fetching = fetch_users(
            context.reader,
            roster.users_to_read(),
            buffer=buffer,
            limit=options.parallel,
            clock=context.clock,
            emit=context.emit,
        )
        try:
            async with asyncio.TaskGroup() as group:
                # At the same time: listing takes longer than reading, and the first page of users can be read at once.
                filling = group.create_task(roster.fill())
                async with fetching as outcomes:
                    await ingest.consume(outcomes)
                await filling
        finally:
            # After an error or a stop too: rows that were paid for with requests are kept for the next start.
            await ingest.seal()
    context.stop.raise_if_stopped()
    await disk.run(checkpoint.delete_vanished)


def _new_run_id(clock: Clock) -> str:
    return f"r-{clock.now():%Y%m%dT%H%M%SZ}-{int(clock.random() * 0x10000):04x}"
