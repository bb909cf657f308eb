"""How much an export would have to read."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from pipeline.snapshot.checkpoint import Checkpoint
from pipeline.snapshot.disk_thread import DiskThread
from pipeline.snapshot.export_options import ExportOptions, Surroundings
from pipeline.snapshot.read_all import roster_of
from pipeline.snapshot.store import Store
from pipeline.twilio.request import MAX_PAGE_SIZE


class RosterSize(NamedTuple):
    """How much there is to read."""

    users: int
    pages: int
    """By the sizes of the last snapshot; a user that it does not know counts as one page."""


async def count_roster(options: ExportOptions, around: Surroundings) -> RosterSize:
    """Read the roster alone and count what an export would ask for."""
    with DiskThread() as disk:
        checkpoint = await disk.run(Checkpoint, around.place.checkpoint)
        try:
            await disk.run(checkpoint.expect_sizes, sizes_in_last_snapshot(around.store, options.snapshot_date))
            await roster_of(options, around, checkpoint, disk).fill()
            around.stop.check()
            return RosterSize(*await disk.run(checkpoint.expected_requests, MAX_PAGE_SIZE))
        finally:
            await disk.run(checkpoint.close)


def sizes_in_last_snapshot(store: Store, day: date) -> Iterator[tuple[str, str, int]]:
    """Give (service, user, rows) of users with more than a page in the newest snapshot before *day*."""
    earlier = [known for known in store.dates() if known <= day]
    if earlier and (manifest := store.manifest(earlier[-1])) is not None:
        yield from store.long_lists(manifest)
