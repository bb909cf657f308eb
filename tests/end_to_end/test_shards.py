"""Exports in shards over real sockets: however they went, the snapshot is that of one process."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from readstate.errors import BadInput, ExitCode, GuardRefused, Stopped
from readstate.events import Event, Publishing, RosterComplete, UserRead
from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import RunningSimulator, running
from readstate.simulator.world.world import World
from readstate.snapshot.published.snapshot import defects, open_snapshot
from readstate.snapshot.published.snapshot_store import open_store
from readstate.snapshot.roster.selection import RosterSelection
from readstate.snapshot.roster.shard import Shard
from readstate.snapshot.roster.users_file import RosterEntry
from readstate.snapshot.shards import publish as publish_run
from readstate.snapshot.shards.staging import STAGING
from readstate.stop import StopReason
from tests.helpers.exporting import Export, assert_same, changed, world_rows
from tests.helpers.object_stores import StoreServer
from tests.helpers.shard_runs import RUN, ShardedExport, tables

SHAPE = WorldShape(users=90, services=2, conversations_per_user=6, odd_identities=0.3, seed=3)


@pytest.fixture
def twilio() -> Iterator[RunningSimulator]:
    with running(World(SHAPE), faults=Faults(concurrency_cap=None)) as simulator:
        yield simulator


@pytest.fixture
def job(twilio: RunningSimulator, tmp_path: Path) -> ShardedExport:
    return ShardedExport(twilio, tmp_path / "sharded")


@pytest.fixture
def single(twilio: RunningSimulator, tmp_path: Path) -> Export:
    """The same export by one process."""
    return Export(twilio, tmp_path / "single")


def assert_same_snapshots(one: Export, other: Export) -> None:
    mine, theirs = tables(one.root), tables(other.root)
    for dataset, table in mine.items():
        assert table.schema.equals(theirs[dataset].schema, check_metadata=True), dataset
        assert table.equals(theirs[dataset]), dataset
    first, second = open_snapshot(one.root).manifest, open_snapshot(other.root).manifest
    for name in ("services", "users", "rows", "roster", "complete", "account_sid", "base_url", "blanked_columns"):
        assert getattr(first, name) == getattr(second, name), name
    assert [(file.dataset, file.rows) for file in first.files] == [(file.dataset, file.rows) for file in second.files]


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*.*")}


# -- the result


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
async def test_however_many_shards_there_are_the_snapshot_is_that_of_one_process(
    count: int, job: ShardedExport, single: Export, twilio: RunningSimulator
) -> None:
    with changed(twilio, vanished_users_share=0.1):
        await single.run()
        shards = await job.run_shards(count)
    published = job.publish()

    assert not published.already
    assert_same_snapshots(single, job)
    assert sum(shard.users.listed for shard in shards) == 90
    assert list(defects(open_store(job.root), published.manifest)) == []


async def test_rows_that_came_twice_are_dropped_as_one_process_drops_them(
    job: ShardedExport, single: Export, twilio: RunningSimulator
) -> None:
    await single.run()
    with changed(twilio, repeat_row_share=1.0):
        shards = await job.run_shards(3)
    manifest = job.publish().manifest

    assert manifest.duplicates_dropped == sum(shard.rows for shard in shards) - manifest.rows > 0
    assert tables(job.root)["user_conversations"].equals(tables(single.root)["user_conversations"])


async def test_all_rows_say_that_they_were_seen_when_the_first_shard_began(job: ShardedExport) -> None:
    shards = await job.run_shards(3)

    job.publish()

    began = min(shard.started_at for shard in shards)
    snapshot = open_snapshot(job.root)
    assert {row["snapshot_at"] for row in snapshot.dataset().to_table(columns=["snapshot_at"]).to_pylist()} == {began}
    assert set(snapshot.users()["snapshot_at"].to_pylist()) == {began}
    assert snapshot.manifest.started_at == began


async def test_requests_and_their_course_are_those_of_all_shards(job: ShardedExport, twilio: RunningSimulator) -> None:
    shards = await job.run_shards(3)

    manifest = job.publish().manifest

    assert manifest.requests.requests == sum(shard.record.requests.requests for shard in shards)
    assert sum(window.requests for window in manifest.timeline) == manifest.requests.requests
    assert twilio.counters().requests >= manifest.requests.requests


async def test_each_shard_lists_all_users_and_reads_its_own_alone(job: ShardedExport) -> None:
    """What shards cost: the roster again for each, a request for 50 users."""
    shards = await job.run_shards(3)

    extra = [shard.record.requests.requests - shard.users.read for shard in shards]
    lists_of_users = sum(-(-service.users // 50) for service in job.publish().manifest.services)
    assert min(extra) >= lists_of_users


async def test_a_shard_without_users_is_fine(job: ShardedExport, single: Export, twilio: RunningSimulator) -> None:
    few = RosterSelection(entries=tuple(RosterEntry(line, user, None) for line, user in enumerate(_sids(twilio)[:2])))
    await single.run(selection=few)

    shards = await job.run_shards(5, selection=few)
    job.publish()

    assert any(shard.users.listed == 0 for shard in shards)
    assert_same_snapshots(single, job)


def _sids(twilio: RunningSimulator) -> list[str]:
    """Users of the default service."""
    default = twilio.world.default_service.sid
    return [user.sid for service, user in twilio.world.users() if service.sid == default]


async def test_a_file_that_names_a_user_twice_gives_each_user_to_one_shard(
    job: ShardedExport, single: Export, twilio: RunningSimulator
) -> None:
    users = [(service.sid, user) for service, user in twilio.world.users()]
    by_identity = [RosterEntry(line, user.identity, service) for line, (service, user) in enumerate(users)]
    by_sid = [RosterEntry(1000 + line, user.sid, service) for line, (service, user) in enumerate(users[::2])]
    nobody = [RosterEntry(2000, "nobody of this name", None), RosterEntry(2001, "US" + "0" * 32, users[0][0])]
    selection = RosterSelection(entries=(*by_identity, *by_sid, *nobody))

    await single.run(selection=selection)
    shards = await job.run_shards(3, selection=selection)
    manifest = job.publish().manifest

    assert manifest.users.vanished == 2
    assert sum(shard.rows for shard in shards) == manifest.rows
    assert_same_snapshots(single, job)


async def test_empty_columns_are_empty_in_what_is_staged_too(
    job: ShardedExport, single: Export, twilio: RunningSimulator
) -> None:
    blanked = ("identity", "friendly_name", "attributes")
    await single.run(blanked_columns=blanked)
    await job.run_shards(2, blanked_columns=blanked)

    staged = contents(Path(job.root, STAGING))
    job.publish()

    assert_same_snapshots(single, job)
    identities = [user.identity.encode() for _, user in twilio.world.users() if len(user.identity) > 5]
    assert not any(identity in content for identity in identities for content in staged.values())


class BrokenListsAfterTheRoster(ShardedExport):
    """Lets every list of more than a page lead back to itself, once the users are known."""

    def on_event(self, event: Event) -> None:
        if isinstance(event, RosterComplete):
            self.twilio.faults = replace(self.twilio.faults, page_loop_share=1.0)

    async def run_shard(self, *args: object, **changes: object) -> object:  # type: ignore[override]
        with changed(self.twilio, latency_ms=10, page_loop_share=0.0):
            return await super().run_shard(*args, parallel=2, **changes)  # type: ignore[arg-type]


async def test_failures_of_all_shards_are_judged_together(twilio: RunningSimulator, tmp_path: Path) -> None:
    job = BrokenListsAfterTheRoster(twilio, tmp_path / "sharded")
    await job.run_shards(3)
    with pytest.raises(GuardRefused, match=r"of 90 users could not be read.*\nRun shard .* again with --restart"):
        job.publish(on_incomplete="refuse")

    manifest = job.publish().manifest

    failures = open_snapshot(job.root).failures().to_pylist()
    assert not manifest.complete
    assert 0 < manifest.users.failed == len(failures)
    assert failures == sorted(failures, key=lambda failure: (failure["chat_service_sid"], failure["user_sid"]))
    failed = {failure["user_sid"] for failure in failures}
    rows = {key: row for key, row in world_rows(twilio).items() if row["user_sid"] not in failed}
    assert_same(job.published(), rows)


# -- killed, stopped, twice at once


class StoppingAfter(ShardedExport):
    """Asks for a stop when so many users were read."""

    users = 5

    def on_event(self, event: Event) -> None:
        if sum(isinstance(event, UserRead) for event in self.events) >= self.users and self.stop is not None:
            self.stop.request_stop(StopReason("enough", ExitCode.STOPPED_EARLY))


async def test_a_shard_that_was_stopped_goes_on_where_it_was(
    twilio: RunningSimulator, single: Export, tmp_path: Path
) -> None:
    job = StoppingAfter(twilio, tmp_path / "sharded")
    with changed(twilio, latency_ms=20), pytest.raises(Stopped):
        await job.run_shard(Shard(1, 2), parallel=2)
    job.users = 10_000

    shards = await job.run_shards(2)
    manifest = job.publish().manifest
    await single.run()

    assert len(shards[0].record.spans) == 2
    assert manifest.starts == 2
    assert_same_snapshots(single, job)


async def test_a_shard_begun_anew_elsewhere_changes_nothing(
    twilio: RunningSimulator, single: Export, tmp_path: Path
) -> None:
    job = StoppingAfter(twilio, tmp_path / "sharded")
    with changed(twilio, latency_ms=20), pytest.raises(Stopped):
        await job.run_shard(Shard(1, 2), parallel=2)
    job.users = 10_000

    await job.run_shard(Shard(1, 2), work_dir=tmp_path / "another machine")
    await job.run_shard(Shard(2, 2))
    job.publish()
    await single.run()

    assert_same_snapshots(single, job)


async def test_a_shard_run_twice_at_once_counts_once(
    job: ShardedExport, single: Export, twilio: RunningSimulator, tmp_path: Path
) -> None:
    with changed(twilio, latency_ms=5, latency_sigma=1.0):
        await asyncio.gather(
            job.run_shard(Shard(1, 2), parallel=3),
            job.run_shard(Shard(1, 2), parallel=11, work_dir=tmp_path / "another machine"),
            job.run_shard(Shard(2, 2)),
        )
    manifest = job.publish().manifest
    await single.run()

    assert manifest.users.listed == 90
    assert_same_snapshots(single, job)


async def test_what_a_killed_staging_left_behind_does_not_count(job: ShardedExport, single: Export) -> None:
    """Files come first and the shard's manifest last, so a shard is there whole or not at all."""
    store = open_store(job.root)
    await job.run_shards(2)
    store.objects.put_bytes(b"half", job.staging.path(Shard(1, 2), "part-0123456789abcdef.arrow"))
    store.objects.put_bytes(b"half", job.staging.path(Shard(1, 2), "users-0123456789abcdef.parquet"))

    job.publish()
    await single.run()

    assert_same_snapshots(single, job)


# -- publishing


async def test_a_missing_shard_is_named_with_the_line_that_runs_it_and_nothing_is_published(
    job: ShardedExport,
) -> None:
    await job.run_shard(Shard(1, 4))
    await job.run_shard(Shard(3, 4))

    with pytest.raises(GuardRefused) as refusal:
        job.publish()

    assert "2/4, 4/4 not finished" in refusal.value.message
    assert "readstate export --shard 2/4" in str(refusal.value.hint)
    assert "readstate export --shard 4/4" in str(refusal.value.hint)
    assert open_store(job.root).dates() == []


async def test_a_shard_with_other_options_is_named_and_nothing_is_published(job: ShardedExport) -> None:
    await job.run_shard(Shard(1, 3))
    await job.run_shard(Shard(2, 3), blanked_columns=("identity",))
    await job.run_shard(Shard(3, 3))

    with pytest.raises(BadInput, match=r"disagree about blanked_columns: 1/3, 3/3: \[\]; 2/3: \['identity'\]"):
        job.publish()
    assert open_store(job.root).dates() == []

    await job.run_shard(Shard(2, 3))
    assert job.publish().manifest.blanked_columns == ()


async def test_shards_of_two_divisions_are_not_put_together(job: ShardedExport) -> None:
    await job.run_shards(2)
    await job.run_shard(Shard(3, 3))

    with pytest.raises(BadInput, match="divided in different ways: 1/2, 2/2, 3/3"):
        job.publish()


async def test_a_staged_file_that_was_damaged_is_not_published(job: ShardedExport) -> None:
    (shard,) = await job.run_shards(1)
    open_store(job.root).objects.put_bytes(b"damaged", shard.files[0].path)

    with pytest.raises(
        BadInput, match=r"not the file that its shard has staged.*\nRun that shard again with --restart"
    ):
        job.publish()


async def test_publishing_twice_is_harmless_and_staging_is_gone(job: ShardedExport) -> None:
    await job.run_shards(2)

    first = job.publish()
    before = contents(Path(job.root))
    second = job.publish()

    assert (first.already, second.already) == (False, True)
    assert first.manifest == second.manifest
    assert contents(Path(job.root)) == before
    assert open_store(job.root).objects.list_folders(STAGING) == []


async def test_a_publisher_that_dies_while_it_removes_what_was_staged_has_published(job: ShardedExport) -> None:
    shards = await job.run_shards(2)
    first = job.publish(keeps_staging=True)
    open_store(job.root).objects.delete_folder(f"{job.staging.folder}/{shards[0].shard.folder}")

    second = job.publish()

    assert (second.already, second.manifest) == (True, first.manifest)
    assert open_store(job.root).objects.list_folders(STAGING) == []


async def test_a_shard_that_is_staged_anew_after_publication_lacks_the_others(job: ShardedExport) -> None:
    await job.run_shards(2)
    job.publish()
    await job.run_shard(Shard(1, 2))

    with pytest.raises(GuardRefused, match="2/2 not finished"):
        job.publish()


async def test_staging_that_is_kept_publishes_the_same_and_goes_when_it_is_not_kept(job: ShardedExport) -> None:
    await job.run_shards(2)

    first = job.publish(keeps_staging=True)
    again = job.publish(keeps_staging=True)
    assert open_store(job.root).objects.list_folders(STAGING) == [RUN]
    job.publish()

    assert again.already
    assert again.manifest == first.manifest
    assert open_store(job.root).objects.list_folders(STAGING) == []


class Interrupted(Exception):
    """The publisher was killed."""


async def test_a_publisher_that_dies_half_way_leaves_no_snapshot_and_the_next_one_makes_it(
    twilio: RunningSimulator, single: Export, tmp_path: Path
) -> None:
    class DyingPublisher(ShardedExport):
        def on_publishing(self, event: Event) -> None:
            if isinstance(event, Publishing):
                raise Interrupted

    job = DyingPublisher(twilio, tmp_path / "sharded")
    await job.run_shards(2)
    with pytest.raises(Interrupted):
        job.publish()
    assert open_store(job.root).dates() == []

    job.on_publishing = lambda event: None  # type: ignore[method-assign]
    job.publish()
    await single.run()

    assert_same_snapshots(single, job)


async def test_of_two_publishers_at_once_one_publishes_and_the_other_finds_it_done(
    twilio: RunningSimulator, single: Export, tmp_path: Path
) -> None:
    class Overtaken(ShardedExport):
        def on_publishing(self, event: Event) -> None:
            if isinstance(event, Publishing) and event.files_done == 1:
                other = ShardedExport(twilio, tmp_path / "sharded")
                other.work_dir = tmp_path / "another machine"
                other.publish()

    job = Overtaken(twilio, tmp_path / "sharded")
    await job.run_shards(2)

    published = job.publish()
    await single.run()

    assert published.manifest.run_id == RUN
    assert_same_snapshots(single, job)
    assert list(defects(open_store(job.root), open_snapshot(job.root).manifest)) == []
    assert open_store(job.root).objects.list_folders(STAGING) == []


@pytest.mark.parametrize("moment", ["require_all_shards", "merge_shards"])
async def test_a_publisher_whose_shards_are_removed_under_its_hands_finds_the_run_published(
    moment: str, job: ShardedExport, twilio: RunningSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await job.run_shards(2)
    faster = ShardedExport(twilio, tmp_path / "sharded")
    faster.work_dir = tmp_path / "another machine"
    go_on = getattr(publish_run, moment)

    def overtaken(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.undo()
        faster.publish()
        return go_on(*args, **kwargs)

    monkeypatch.setattr(publish_run, moment, overtaken)

    published = job.publish()

    assert published.already
    assert published.manifest == open_snapshot(job.root).manifest


async def test_shards_meet_in_a_bucket_as_they_do_in_a_folder(
    job: ShardedExport, single: Export, s3: StoreServer, tmp_path: Path
) -> None:
    job.root = s3.new_root()
    await single.run()
    await job.run_shard(Shard(1, 2))
    with pytest.raises(GuardRefused, match="2/2 not finished"):
        job.publish()
    await job.run_shard(Shard(2, 2), work_dir=tmp_path / "another machine")

    first, second = job.publish(), job.publish()

    assert (first.already, second.already) == (False, True)
    assert_same_snapshots(single, job)
    store = open_store(job.root)
    assert list(defects(store, first.manifest)) == []
    assert store.objects.list_folders(STAGING) == []


async def test_of_two_publishers_on_a_bucket_one_publishes_and_the_other_finds_it_done(
    twilio: RunningSimulator, single: Export, s3: StoreServer, tmp_path: Path
) -> None:
    class Overtaken(ShardedExport):
        def on_publishing(self, event: Event) -> None:
            if isinstance(event, Publishing) and event.files_done == 1:
                other = ShardedExport(twilio, tmp_path / "another machine")
                other.root = self.root
                other.publish()

    job = Overtaken(twilio, tmp_path / "sharded")
    job.root = s3.new_root()
    await job.run_shards(2)

    job.publish()
    await single.run()

    assert_same_snapshots(single, job)
    assert list(defects(open_store(job.root), open_snapshot(job.root).manifest)) == []


async def test_the_snapshot_of_another_run_is_replaced_only_where_that_is_asked(
    job: ShardedExport, twilio: RunningSimulator
) -> None:
    await job.run()
    await job.run_shards(2)

    with pytest.raises(GuardRefused, match=r"has published a snapshot of 2026-11-23 already\n--again replaces it"):
        job.publish()
    manifest = job.publish(replaces=True).manifest

    assert open_snapshot(job.root).manifest == manifest
    assert manifest.run_id == RUN
    assert_same(job.published(), world_rows(twilio))


async def test_a_run_of_which_nothing_is_there_is_named(job: ShardedExport) -> None:
    with pytest.raises(BadInput, match=f"no shard of run {RUN} is staged"):
        job.publish()
