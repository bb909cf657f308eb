"""One export: roster, users, parts, then a published snapshot; stopped or killed, it goes on where it was."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, NamedTuple

import msgspec

from pipeline.clock import Clock
from pipeline.errors import BadInput, GuardRefused
from pipeline.events import Observer, RunResumed
from pipeline.model.quantities import Allowance
from pipeline.snapshot.checkpoint import Checkpoint
from pipeline.snapshot.disk_thread import DiskThread
from pipeline.snapshot.ingest import Ingest, PartLimits
from pipeline.snapshot.manifest import Manifest, RequestCounts, RosterScope, TimelineWindow
from pipeline.snapshot.parts import PartWriter
from pipeline.snapshot.publish import Publication, publish
from pipeline.snapshot.reading import PageRoom, users_read
from pipeline.snapshot.request_counter import RequestCounter
from pipeline.snapshot.roster import Roster, RosterWish
from pipeline.snapshot.store import Store
from pipeline.snapshot.timeline import Timeline
from pipeline.snapshot.workspace import Workspace
from pipeline.stop import StopSwitch
from pipeline.twilio.client import Reader
from pipeline.twilio.request import MAX_PAGE_SIZE


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What an export is to do; a run is resumed only with the options that it began with."""

    snapshot_date: date
    wish: RosterWish
    base_url: str
    max_failed_users: Allowance
    part_limits: PartLimits
    blanked_columns: tuple[str, ...] = ()
    """Columns to leave empty: they stay, so that every snapshot has the same schema."""
    on_incomplete: Literal["publish", "refuse"] = "publish"
    parallel: int = 500
    """Users read at once."""
    file_bytes: int = 128 << 20
    grace_seconds: float = 20.0
    """How long users under way may take when a stop is asked for; then they are left for the next start."""

    def roster(self) -> RosterScope:
        """Which users are to be read, as the manifest notes it."""
        entries = self.wish.entries
        users = None if entries is None else hashlib.sha256(repr(entries).encode()).hexdigest()
        return RosterScope(self.wish.services, users, self.wish.limit)

    def fingerprint(self) -> dict[str, Any]:
        """What must not change between the starts of one run, as JSON."""
        roster = self.roster()
        return {
            "services": list(roster.services),
            "users": roster.users_sha256,
            "limit": roster.limit,
            "base_url": self.base_url,
            "blanked_columns": list(self.blanked_columns),
        }


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an export works with and does not decide about."""

    reader: Reader
    store: Store
    place: Workspace
    requests: RequestCounter
    timeline: Timeline
    """Both must observe the reader's events."""
    stop: StopSwitch
    clock: Clock
    emit: Observer
    tool_version: str


@dataclass(frozen=True, slots=True)
class _Run:
    """What stays the same from the first start of a run to its end."""

    run_id: str
    started_at: datetime
    account_sid: str | None
    starts: int
    paused_seconds: float
    earlier: RequestCounts
    earlier_windows: tuple[TimelineWindow, ...]


async def export(options: ExportOptions, around: Surroundings) -> Manifest:
    """Read what *options* ask for and publish it; give the manifest.

    Raises `Stopped` where somebody asked for it (all that was read is kept), `GuardRefused` where too many users
    failed and an incomplete snapshot is not to be published, `NotPermitted`, `StoppedEarly`, `LocalDisk`.
    """
    around.store.prepare()
    with DiskThread() as disk:
        checkpoint = await disk.run(Checkpoint, around.place.checkpoint)
        is_published = False
        try:
            async with _stopping_in_time(options.grace_seconds, around):
                run = await _begin_or_resume(options, around, checkpoint, disk)
                await disk.run(_remove_strays, around.place, checkpoint)
                await _read_all(options, around, run, checkpoint, disk)
            await disk.run(_refuse_if_too_many_failed, options, checkpoint)
            publication = Publication(
                run_id=run.run_id,
                snapshot_date=options.snapshot_date,
                started_at=run.started_at,
                starts=run.starts,
                paused_seconds=run.paused_seconds,
                account_sid=run.account_sid,
                base_url=options.base_url,
                roster=options.roster(),
                blanked_columns=options.blanked_columns,
                requests=around.requests.added_to(run.earlier),
                timeline=around.timeline.added_to(run.earlier_windows),
                file_bytes=options.file_bytes,
                tool_version=around.tool_version,
            )
            manifest = await disk.run(
                publish,
                publication,
                checkpoint=checkpoint,
                store=around.store,
                place=around.place,
                stop=around.stop,
                clock=around.clock,
                emit=around.emit,
            )
            is_published = True
        finally:
            # A start that ended before it knew a user, such as one with a mistyped service, leaves nothing behind.
            is_worth_keeping = not is_published and await disk.run(checkpoint.knows_users)
            await disk.run(checkpoint.close)
            if not is_worth_keeping:
                await disk.run(around.place.remove)
    return manifest


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
            await disk.run(checkpoint.expect_sizes, _sizes_in_last_snapshot(around.store, options.snapshot_date))
            await _roster(options, around, checkpoint, disk).fill()
            around.stop.check()
            return RosterSize(*await disk.run(checkpoint.expected_requests, MAX_PAGE_SIZE))
        finally:
            await disk.run(checkpoint.close)


async def _begin_or_resume(
    options: ExportOptions, around: Surroundings, checkpoint: Checkpoint, disk: DiskThread
) -> _Run:
    begun_with = await disk.run(checkpoint.recall, "options")
    if begun_with is None:
        return await _begin(options, around, checkpoint, disk)
    if begun_with != options.fingerprint():
        different = [name for name, value in options.fingerprint().items() if begun_with.get(name) != value]
        raise BadInput(
            f"an unfinished export of {options.snapshot_date} was begun with other options ({', '.join(different)})",
            hint="Repeat its options to resume it, or add --restart to begin anew.",
        )
    return await _resume(around, checkpoint, disk)


async def _begin(options: ExportOptions, around: Surroundings, checkpoint: Checkpoint, disk: DiskThread) -> _Run:
    now = around.clock.now()
    run_id = f"r-{now:%Y%m%dT%H%M%SZ}-{int(around.clock.random() * 0x10000):04x}"
    account_sid = (await around.reader.configuration()).account_sid
    await disk.run(checkpoint.expect_sizes, _sizes_in_last_snapshot(around.store, options.snapshot_date))
    await disk.run(
        checkpoint.remember,
        options=options.fingerprint(),
        run_id=run_id,
        started_at=now.isoformat(),
        active_until=now.isoformat(),
        account_sid=account_sid,
        starts=1,
    )
    return _Run(run_id, now, account_sid, 1, 0.0, RequestCounts(), ())


async def _resume(around: Surroundings, checkpoint: Checkpoint, disk: DiskThread) -> _Run:
    now = around.clock.now()
    started_at = datetime.fromisoformat(await disk.run(checkpoint.recall, "started_at"))
    active_until = datetime.fromisoformat(await disk.run(checkpoint.recall, "active_until") or now.isoformat())
    paused_seconds: float = await disk.run(checkpoint.recall, "paused_seconds") or 0.0
    run = _Run(
        run_id=await disk.run(checkpoint.recall, "run_id"),
        started_at=started_at,
        account_sid=await disk.run(checkpoint.recall, "account_sid"),
        starts=await disk.run(checkpoint.recall, "starts") + 1,
        paused_seconds=paused_seconds + max(0.0, (now - active_until).total_seconds()),
        earlier=RequestCounts(**(await disk.run(checkpoint.recall, "requests") or {})),
        earlier_windows=msgspec.convert(
            await disk.run(checkpoint.recall, "timeline") or (), tuple[TimelineWindow, ...]
        ),
    )
    await disk.run(
        checkpoint.remember, starts=run.starts, paused_seconds=run.paused_seconds, active_until=now.isoformat()
    )
    done = await disk.run(checkpoint.progress)
    settled = done.read + done.vanished
    around.emit(RunResumed(run.run_id, settled, done.listed - settled, done.rows))
    return run


def _sizes_in_last_snapshot(store: Store, day: date) -> Iterator[tuple[str, str, int]]:
    """Give (service, user, rows) of users with more than a page in the newest snapshot before *day*."""
    earlier = [known for known in store.dates() if known <= day]
    if earlier and (manifest := store.manifest(earlier[-1])) is not None:
        yield from store.long_lists(manifest)


def _remove_strays(place: Workspace, checkpoint: Checkpoint) -> None:
    """Remove parts that were written and never counted, because the process died in between."""
    counted = {part.name for part in checkpoint.parts()}
    for path in place.parts.iterdir():
        if path.name not in counted:
            path.unlink()


async def _read_all(
    options: ExportOptions, around: Surroundings, run: _Run, checkpoint: Checkpoint, disk: DiskThread
) -> None:
    room = PageRoom()
    roster = _roster(options, around, checkpoint, disk)

    def counters() -> dict[str, Any]:
        told = {
            "requests": around.requests.added_to(run.earlier),
            "timeline": around.timeline.added_to(run.earlier_windows),
            "active_until": around.clock.now().isoformat(),
        }
        return {name: msgspec.to_builtins(value) for name, value in told.items()}

    ingest = Ingest(
        checkpoint=checkpoint,
        parts=PartWriter(around.place.parts),
        disk=disk,
        room=room,
        snapshot_at=run.started_at,
        blanked_columns=options.blanked_columns,
        limits=options.part_limits,
        counters=counters,
        clock=around.clock,
        emit=around.emit,
    )

    async def read() -> None:
        async with users_read(
            around.reader,
            roster.waiting(),
            room=room,
            limit=options.parallel,
            clock=around.clock,
            emit=around.emit,
        ) as outcomes:
            await ingest.take_all(outcomes)

    try:
        async with asyncio.TaskGroup() as group:
            filling = group.create_task(roster.fill())
            await read()
            await filling
    finally:
        await ingest.seal()
    around.stop.check()


def _roster(options: ExportOptions, around: Surroundings, checkpoint: Checkpoint, disk: DiskThread) -> Roster:
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


@asynccontextmanager
async def _stopping_in_time(grace_seconds: float, around: Surroundings) -> AsyncIterator[None]:
    """When a stop is asked for, give what is in flight in the block a while to end, then cancel it.

    Raises the first error of the block alone, not a group of them.
    """

    async def obey() -> None:
        reason = await around.stop.wait()
        await around.clock.sleep(grace_seconds)
        raise reason.as_error()

    try:
        async with asyncio.TaskGroup() as group:
            watcher = group.create_task(obey())
            yield
            watcher.cancel()
    except BaseExceptionGroup as failures:
        error: BaseException = failures
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None


def _refuse_if_too_many_failed(options: ExportOptions, checkpoint: Checkpoint) -> None:
    done = checkpoint.progress()
    allowed = options.max_failed_users.of(done.listed)
    if done.failed > allowed and options.on_incomplete == "refuse":
        raise GuardRefused(
            f"{done.failed} of {done.listed} users could not be read, more than the {allowed} allowed: not published",
            hint="Run the same command again to try these users once more, or publish with --on-incomplete publish.",
        )
