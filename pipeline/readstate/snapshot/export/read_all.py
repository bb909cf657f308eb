"""The long part of an export: users, many at once, become parts, and the checkpoint knows of each."""

import asyncio
from typing import Any

import msgspec

from readstate.concurrency import WorkerThread
from readstate.snapshot.export.ingest import Ingest
from readstate.snapshot.export.options import ExportContext, ExportOptions
from readstate.snapshot.extract.fetch import PageBuffer, fetch_users
from readstate.snapshot.extract.spill import Spill
from readstate.snapshot.roster.roster import Roster
from readstate.snapshot.workspace.checkpoint import Checkpoint
from readstate.snapshot.workspace.run import Run


async def read_all(
    options: ExportOptions, context: ExportContext, run: Run, checkpoint: Checkpoint, disk: WorkerThread
) -> None:
    """Read the roster and all of its users into parts; what is counted when it ends is on disk."""
    buffer = PageBuffer(Spill(context.workspace.folder))
    roster = roster_of(options, context, checkpoint, disk)

    def counters() -> dict[str, Any]:
        record = run.record(context.requests, context.timeline, now=context.clock.now())
        return {"record": msgspec.to_builtins(record)}

    # The roster waits for the checkpoint's thread all the time: it must not wait for parts to be written.
    with WorkerThread() as parts_disk:
        ingest = Ingest(
            checkpoint=checkpoint,
            folder=context.workspace.parts,
            checkpoint_disk=disk,
            parts_disk=parts_disk,
            buffer=buffer,
            snapshot_at=run.started_at,
            blanked_columns=options.blanked_columns,
            limits=options.part_limits,
            counters=counters,
            clock=context.clock,
            emit=context.emit,
        )

        async def read() -> None:
            async with fetch_users(
                context.reader,
                roster.waiting(),
                buffer=buffer,
                limit=options.parallel,
                clock=context.clock,
                emit=context.emit,
            ) as outcomes:
                await ingest.consume(outcomes)

        try:
            async with asyncio.TaskGroup() as group:
                filling = group.create_task(roster.fill())
                await read()
                await filling
        finally:
            await ingest.seal()
    context.stop.raise_if_stopped()
    await disk.run(checkpoint.drop_those_gone)


def roster_of(options: ExportOptions, context: ExportContext, checkpoint: Checkpoint, disk: WorkerThread) -> Roster:
    """The users that *options* ask for."""
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
