"""How much an export would have to read."""

from typing import NamedTuple

from readstate.concurrency import WorkerThread
from readstate.snapshot.export.options import ExportContext, ExportOptions
from readstate.snapshot.export.previous_snapshot import last_snapshot, long_lists
from readstate.snapshot.export.read_all import roster_of
from readstate.snapshot.workspace.checkpoint import Checkpoint
from readstate.twilio.http.request import MAX_PAGE_SIZE


class RosterSize(NamedTuple):
    """How much there is to read."""

    users: int
    pages: int
    """By the sizes of the last snapshot; a user that it does not know counts as one page."""


async def count_roster(options: ExportOptions, context: ExportContext) -> RosterSize:
    """Read the roster alone and count what an export would ask for."""
    with WorkerThread() as disk:
        checkpoint = await disk.run(Checkpoint, context.workspace.checkpoint)
        try:
            last = last_snapshot(context.store, options.snapshot_date)
            if last is not None:
                await disk.run(checkpoint.expect_sizes, long_lists(context.store, last))
            await roster_of(options, context, checkpoint, disk).fill()
            context.stop.raise_if_stopped()
            return RosterSize(*await disk.run(checkpoint.expected_requests, MAX_PAGE_SIZE))
        finally:
            await disk.run(checkpoint.close)
