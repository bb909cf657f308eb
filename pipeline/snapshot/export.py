"""One export: roster, users, parts, then a snapshot or a staged shard; stopped or killed, it goes on where it was."""

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec

from pipeline.clock import Clock
from pipeline.errors import BadInput
from pipeline.events import Observer, RunResumed
from pipeline.model.quantities import Allowance
from pipeline.snapshot.checkpoint import Checkpoint
from pipeline.snapshot.disk_thread import DiskThread
from pipeline.snapshot.findings import findings_of, refuse_if_too_many_failed
from pipeline.snapshot.ingest import Ingest, PartLimits
from pipeline.snapshot.manifest import Manifest, RosterScope
from pipeline.snapshot.parts import PartWriter
from pipeline.snapshot.publish import Publication, publish
from pipeline.snapshot.reading import PageRoom, users_read
from pipeline.snapshot.request_counter import RequestCounter
from pipeline.snapshot.roster import Roster, RosterWish
from pipeline.snapshot.run import Run, begin, resume
from pipeline.snapshot.schema import SCHEMA_VERSION
from pipeline.snapshot.spans import idle_seconds
from pipeline.snapshot.stage import stage
from pipeline.snapshot.staging import ShardManifest, differences
from pipeline.snapshot.stopping import stopping_in_time
from pipeline.snapshot.store import Standing, Store
from pipeline.snapshot.timeline import Timeline
from pipeline.snapshot.workspace import Workspace
from pipeline.stop import StopSwitch
from pipeline.twilio.client import Reader
from pipeline.twilio.request import MAX_PAGE_SIZE

Result = TypeVar("Result")


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
    replaces: Standing | None = None
    """The snapshot that this one is to replace; None where none may stand."""
    run_id: str | None = None
    """How the run is called; None makes up a name."""
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
            "snapshot_date": self.snapshot_date.isoformat(),
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

    return await _exported(options, around, finish)


async def export_shard(options: ExportOptions, around: Surroundings) -> ShardManifest:
    """Read one shard's users and stage what was read for `publish_run`; raises as `export` does."""

    def finish(run: Run, checkpoint: Checkpoint) -> ShardManifest:
        findings = findings_of(checkpoint, around.place)
        record = run.record(around.requests, around.timeline, now=around.clock.now())
        draft = ShardManifest(
            schema_version=SCHEMA_VERSION,
            tool_version=around.tool_version,
            run_id=run.run_id,
            shard=options.wish.share,
            snapshot_date=options.snapshot_date,
            options=options.fingerprint(),
            account_sid=run.account_sid,
            base_url=options.base_url,
            roster=options.roster(),
            blanked_columns=options.blanked_columns,
            started_at=run.started_at,
            ended_at=around.clock.now(),
            record=record,
            services=findings.services,
            users=findings.users,
            rows=findings.rows,
            unknown_fields=findings.unknown_fields,
        )
        return stage(draft, findings, store=around.store, place=around.place, stop=around.stop, emit=around.emit)

    return await _exported(options, around, finish)


async def _exported(
    options: ExportOptions, around: Surroundings, finish: Callable[[Run, Checkpoint], Result]
) -> Result:
    """Read all, then *finish* on the disk's thread; keep what was read unless that succeeds."""
    around.store.prepare()
    with DiskThread() as disk:
        checkpoint = await disk.run(Checkpoint, around.place.checkpoint)
        is_finished = False
        try:
            async with stopping_in_time(options.grace_seconds, stop=around.stop, clock=around.clock):
                run = await _begin_or_resume(options, around, checkpoint, disk)
                await disk.run(_remove_strays, around.place, checkpoint)
                await _read_all(options, around, run, checkpoint, disk)
            result = await disk.run(finish, run, checkpoint)
            is_finished = True
        finally:
            # A start that ended before it knew a user, such as one with a mistyped service, leaves nothing behind.
            is_worth_keeping = not is_finished and await disk.run(checkpoint.knows_users)
            await disk.run(checkpoint.close)
            if not is_worth_keeping:
                await disk.run(around.place.remove)
    return result


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
) -> Run:
    begun_with = await disk.run(checkpoint.recall, "options")
    if begun_with is None:
        account_sid = (await around.reader.configuration()).account_sid
        await disk.run(checkpoint.expect_sizes, _sizes_in_last_snapshot(around.store, options.snapshot_date))
        return await disk.run(
            begin,
            checkpoint,
            run_id=options.run_id or _new_run_id(around.clock),
            account_sid=account_sid,
            options=options.fingerprint(),
            clock=around.clock,
        )
    if different := differences(begun_with, options.fingerprint()):
        raise BadInput(
            f"an unfinished export of {options.snapshot_date} was begun with other options ({', '.join(different)})",
            hint="Repeat its options to resume it, or add --restart to begin anew.",
        )
    run = await disk.run(resume, checkpoint, clock=around.clock)
    done = await disk.run(checkpoint.progress)
    settled = done.read + done.vanished
    around.emit(RunResumed(run.run_id, settled, done.listed - settled, done.rows))
    return run


def _new_run_id(clock: Clock) -> str:
    return f"r-{clock.now():%Y%m%dT%H%M%SZ}-{int(clock.random() * 0x10000):04x}"


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
    options: ExportOptions, around: Surroundings, run: Run, checkpoint: Checkpoint, disk: DiskThread
) -> None:
    room = PageRoom()
    roster = _roster(options, around, checkpoint, disk)

    def counters() -> dict[str, Any]:
        record = run.record(around.requests, around.timeline, now=around.clock.now())
        return {"record": msgspec.to_builtins(record)}

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
