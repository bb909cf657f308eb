"""The long part of an export: users, many at once, become parts, and the checkpoint knows of each."""

import asyncio
from typing import Any

import msgspec

from readstate.snapshot.export.ingest import Ingest
from readstate.snapshot.export.options import ExportOptions, Surroundings
from readstate.snapshot.extract.fetch import PageBuffer, fetch_users
from readstate.snapshot.extract.spill import Spill
from readstate.snapshot.roster.roster import Roster
from readstate.snapshot.workspace.checkpoint import Checkpoint
from readstate.snapshot.workspace.disk_thread import DiskThread
from readstate.snapshot.workspace.run import Run


async def read_all(
    options: ExportOptions, around: Surroundings, run: Run, checkpoint: Checkpoint, disk: DiskThread
) -> None:
    """Read the roster and all of its users into parts; what is counted when it ends is on disk."""
    buffer = PageBuffer(Spill(around.place.folder))
    roster = roster_of(options, around, checkpoint, disk)

    def counters() -> dict[str, Any]:
        record = run.record(around.requests, around.timeline, now=around.clock.now())
        return {"record": msgspec.to_builtins(record)}

    # The roster waits for the checkpoint's thread all the time: it must not wait for parts to be written.
    with DiskThread() as parts_disk:
        ingest = Ingest(
            checkpoint=checkpoint,
            folder=around.place.parts,
            checkpoint_disk=disk,
            parts_disk=parts_disk,
            buffer=buffer,
            snapshot_at=run.started_at,
            blanked_columns=options.blanked_columns,
            limits=options.part_limits,
            counters=counters,
            clock=around.clock,
            emit=around.emit,
        )

        async def read() -> None:
            async with fetch_users(
                around.reader,
                roster.waiting(),
                buffer=buffer,
                limit=options.parallel,
                clock=around.clock,
                emit=around.emit,
            ) as outcomes:
                await ingest.consume(outcomes)

        try:
            async with asyncio.TaskGroup() as group:
                filling = group.create_task(roster.fill())
                await read()
                await filling
        finally:
            await ingest.seal()
    around.stop.raise_if_stopped()
    await disk.run(checkpoint.drop_those_gone)


def roster_of(options: ExportOptions, around: Surroundings, checkpoint: Checkpoint, disk: DiskThread) -> Roster:
    """The users that *options* ask for."""
    return Roster(
        options.wish,
        reader=around.reader,
        checkpoint=checkpoint,
        disk=disk,
        stop=around.stop,
        clock=around.clock,
        emit=around.emit,
        parallel=options.parallel,
    )
