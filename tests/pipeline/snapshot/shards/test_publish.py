from pathlib import Path
from typing import Any

import pytest

from readstate.errors import BadInput, GuardRefused
from readstate.events import Event, Publishing
from readstate.simulator.server.server import RunningSimulator
from readstate.snapshot.published.snapshot import defects, open_snapshot
from readstate.snapshot.published.snapshot_store import open_store
from readstate.snapshot.roster.shard import Shard
from readstate.snapshot.shards import publish as publish_run
from readstate.snapshot.shards.staging import STAGING
from tests.helpers.exporting import Export, assert_same, world_rows
from tests.helpers.shard_runs import RUN, ShardedExport, assert_same_snapshots, contents


async def test_a_shard_with_other_options_is_named_and_nothing_is_published(job: ShardedExport) -> None:
    await job.run_shard(Shard(1, 3))
    await job.run_shard(Shard(2, 3), blanked_columns=("identity",))
    await job.run_shard(Shard(3, 3))

    with pytest.raises(BadInput, match=r"disagree about blanked_columns: 1/3, 3/3: \[\]; 2/3: \['identity'\]"):
        job.publish()
    assert open_store(job.root).dates() == []

    await job.run_shard(Shard(2, 3))
    assert job.publish().manifest.blanked_columns == ()


async def test_a_run_without_staged_shards_is_refused(job: ShardedExport) -> None:
    with pytest.raises(BadInput, match=f"no shard of run {RUN} is staged"):
        job.publish()


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


@pytest.mark.parametrize("keeps", [False, True])
async def test_publishing_is_idempotent_and_removes_the_staged_files_unless_they_are_to_be_kept(
    keeps: bool, job: ShardedExport
) -> None:
    await job.run_shards(2)

    first = job.publish(keeps_staging=keeps)
    before = contents(Path(job.root))
    second = job.publish(keeps_staging=keeps)

    assert (first.already, second.already) == (False, True)
    assert first.manifest == second.manifest
    assert contents(Path(job.root)) == before
    assert open_store(job.root).objects.list_folders(STAGING) == ([RUN] if keeps else [])


@pytest.mark.parametrize(
    "removed",
    [
        lambda objects, folders: objects.delete_folder(folders[0]),
        lambda objects, folders: objects.delete(f"{folder}/begun.json" for folder in folders),
    ],
    ids=["one shard", "what registers them"],
)
async def test_a_publisher_killed_while_it_removes_staged_files_has_published(removed: Any, job: ShardedExport) -> None:
    shards = await job.run_shards(2)
    first = job.publish(keeps_staging=True)
    removed(open_store(job.root).objects, [f"{job.staging.folder}/{each.shard.folder}" for each in shards])

    second = job.publish()

    assert (second.already, second.manifest) == (True, first.manifest)
    assert open_store(job.root).objects.list_folders(STAGING) == []


async def test_a_shard_that_is_staged_again_after_publication_lacks_the_others(job: ShardedExport) -> None:
    await job.run_shards(2)
    job.publish()
    await job.run_shard(Shard(1, 2))

    with pytest.raises(GuardRefused, match="2/2 not finished"):
        job.publish()


class Interrupted(Exception):
    """The publisher was killed."""


async def test_a_publisher_killed_half_way_leaves_no_snapshot_and_the_next_one_publishes(
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


@pytest.mark.parametrize("moment", ["require_all_shards", "merge_rows"])
async def test_a_publisher_whose_staged_files_are_removed_meanwhile_finds_the_run_published(
    moment: str, job: ShardedExport, twilio: RunningSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await job.run_shards(2)
    faster = ShardedExport(twilio, tmp_path / "sharded")
    faster.work_dir = tmp_path / "another machine"
    resume = getattr(publish_run, moment)

    def overtaken(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.undo()
        faster.publish()
        return resume(*args, **kwargs)

    monkeypatch.setattr(publish_run, moment, overtaken)

    published = job.publish()

    assert published.already
    assert published.manifest == open_snapshot(job.root).manifest


class Overtaken(ShardedExport):
    """Has another machine publish the run after its own first file."""

    def on_publishing(self, event: Event) -> None:
        if isinstance(event, Publishing) and event.files_done == 1:
            other = ShardedExport(self.twilio, self.work_dir.parent)
            other.root, other.work_dir = self.root, self.work_dir.parent / "another machine"
            other.publish()


@pytest.mark.parametrize("place", ["folder", "bucket"])
async def test_of_two_publishers_at_once_one_publishes_and_the_other_finds_it_done(
    place: str, twilio: RunningSimulator, single: Export, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    job = Overtaken(twilio, tmp_path / "sharded")
    if place == "bucket":
        job.root = request.getfixturevalue("s3").new_root()
    await job.run_shards(2)

    published = job.publish()
    await single.run()

    assert published.manifest.run_id == RUN
    assert_same_snapshots(single, job)
    store = open_store(job.root)
    assert list(defects(store, open_snapshot(job.root).manifest)) == []
    assert store.objects.list_folders(STAGING) == []
