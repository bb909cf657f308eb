"""One export: roster, users, parts, then a snapshot or a staged shard; stopped or killed, it goes on where it was."""

from collections.abc import Callable
from typing import TypeVar

from readstate.clock import Clock
from readstate.errors import BadInput, LocalDisk
from readstate.events import Message, RunResumed, UsersForeseen
from readstate.model.resources import Configuration
from readstate.snapshot.export.options import ExportOptions, Surroundings, option_differences
from readstate.snapshot.export.previous_snapshot import foreseen_users, last_snapshot, long_lists
from readstate.snapshot.export.publish import Publication, publish
from readstate.snapshot.export.read_all import read_all
from readstate.snapshot.export.result import findings_of, refuse_if_too_many_failed
from readstate.snapshot.published.manifest import Manifest
from readstate.snapshot.published.snapshot_store import SnapshotStore
from readstate.snapshot.workspace.checkpoint import Checkpoint
from readstate.snapshot.workspace.disk_thread import DiskThread
from readstate.snapshot.workspace.run import Run, begin, resume
from readstate.snapshot.workspace.spans import idle_seconds
from readstate.snapshot.workspace.workspace import Workspace
from readstate.stopping import stopping_in_time

Result = TypeVar("Result")


async def export(options: ExportOptions, around: Surroundings) -> Manifest:
    """Read what *options* ask for and publish it; give the manifest.

    Raises `Stopped` where somebody asked for it (all that was read is kept), `GuardRefused` where too many users
    failed and an incomplete snapshot is not to be published, `PublishedMeanwhile`, `NotPermitted`, `StoppedEarly`,
    `LocalDisk`.
    """

    def finish(run: Run, checkpoint: Checkpoint) -> Manifest:
        findings = findings_of(checkpoint, around.place)
        refuse_if_too_many_failed(
            findings.users,
            options.max_failed_users,
            on_incomplete=options.on_incomplete,
            to_try_again="Run the same command again",
        )
        record = run.record(around.requests, around.timeline, now=around.clock.now())
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
            tool_version=around.tool_version,
            replaces=options.replaces,
        )
        return publish(
            publication,
            findings,
            store=around.store,
            place=around.place,
            stop=around.stop,
            clock=around.clock,
            emit=around.emit,
        )

    return await run_export(options, around, finish)


async def run_export(
    options: ExportOptions, around: Surroundings, finish: Callable[[Run, Checkpoint], Result]
) -> Result:
    """Read all users, then *finish* on the disk's thread; keep what was read unless that succeeds."""
    around.store.objects.require_writable()
    with DiskThread() as disk:
        checkpoint = await disk.run(Checkpoint, around.place.checkpoint)
        is_finished = False
        try:
            async with stopping_in_time(options.grace_seconds, stop=around.stop, clock=around.clock):
                run = await _begin_or_resume(options, around, checkpoint, disk)
                await disk.run(_remove_strays, around.place, checkpoint)
                await read_all(options, around, run, checkpoint, disk)
            result = await disk.run(finish, run, checkpoint)
            is_finished = True
        finally:
            # A start that ended before it knew a user, such as one with a mistyped service, leaves nothing behind.
            is_worth_keeping = not is_finished and await disk.run(checkpoint.knows_users)
            await disk.run(checkpoint.close)
            if not is_worth_keeping:
                await disk.run(around.place.remove)
    return result


async def _begin_or_resume(
    options: ExportOptions, around: Surroundings, checkpoint: Checkpoint, disk: DiskThread
) -> Run:
    begun_with = await disk.run(checkpoint.recall, "options")
    if begun_with is None:
        configuration = await around.reader.configuration()
        # First the options: a kill in between must not leave users whom another start does not ask for.
        run = await disk.run(
            begin,
            checkpoint,
            run_id=options.run_id or _new_run_id(around.clock),
            account_sid=configuration.account_sid,
            options=options.fingerprint(),
            clock=around.clock,
        )
        await _foresee(options, around, checkpoint, disk, configuration)
        return run
    if different := option_differences(begun_with, options.fingerprint()):
        raise BadInput(
            f"an unfinished export of {options.snapshot_date} was begun with other options ({', '.join(different)})",
            hint="Repeat its options to resume it, or add --restart to begin anew.",
        )
    run = await disk.run(resume, checkpoint, clock=around.clock)
    done = await disk.run(checkpoint.progress)
    settled = done.read + done.vanished
    around.emit(RunResumed(run.run_id, settled, done.listed - settled, done.rows))
    return run


async def _foresee(
    options: ExportOptions,
    around: Surroundings,
    checkpoint: Checkpoint,
    disk: DiskThread,
    configuration: Configuration,
) -> None:
    """Let the run know beforehand what the last snapshot knows; where that is damaged, the list alone must do."""
    try:
        foreseen = await disk.run(_foreseen, options, around.store, checkpoint, configuration)
    except (BadInput, LocalDisk) as error:
        around.emit(Message(f"The last snapshot is of no help: {error.message}"))
        return
    if foreseen:
        around.emit(UsersForeseen(foreseen))


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


def _remove_strays(place: Workspace, checkpoint: Checkpoint) -> None:
    """Remove parts that were written and never counted, because the process died in between."""
    counted = {part.name for part in checkpoint.parts()}
    for path in place.parts.iterdir():
        if path.name not in counted:
            path.unlink()
