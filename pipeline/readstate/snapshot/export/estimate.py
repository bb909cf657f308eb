"""How much an export would read."""

from typing import NamedTuple

from readstate.concurrency import WorkerThread
from readstate.snapshot.export.export import roster_of
from readstate.snapshot.export.options import ExportContext, ExportOptions
from readstate.snapshot.export.previous_snapshot import long_lists, newest_snapshot
from readstate.snapshot.workspace.checkpoint import Checkpoint
from readstate.twilio.http.request import MAX_PAGE_SIZE


class RosterSize(NamedTuple):
    """The size of a roster."""

    users: int
    pages: int
    """By the sizes of the previous snapshot; a user that it does not know counts as one page."""


async def count_roster(options: ExportOptions, context: ExportContext) -> RosterSize:
    """Read the roster alone and return what an export would request."""
    with WorkerThread() as disk:
        checkpoint = await disk.run(Checkpoint, context.workspace.checkpoint)
        try:
            previous = newest_snapshot(context.store, options.snapshot_date)
            if previous is not None:
                await disk.run(checkpoint.preload_sizes, long_lists(context.store, previous))
            await roster_of(options, context, checkpoint, disk).fill()
            context.stop.raise_if_stopped()
            users, pages, _ = await disk.run(checkpoint.expected_requests, MAX_PAGE_SIZE)
            return RosterSize(users, pages)
        finally:
            await disk.run(checkpoint.close)
