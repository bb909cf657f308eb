from pathlib import Path

import pytest

from readstate.errors import BadInput, GuardRefused
from readstate.simulator.server.server import RunningSimulator
from readstate.snapshot.published.snapshot import open_snapshot
from readstate.snapshot.published.snapshot_store import open_store
from tests.helpers.exporting import BrokenListsAfterTheRoster, Export, assert_same, changed, world_rows
from tests.helpers.shard_runs import ShardedExport, tables


async def test_rows_that_came_twice_are_dropped_as_one_process_drops_them(
    job: ShardedExport, single: Export, twilio: RunningSimulator
) -> None:
    await single.run()
    with changed(twilio, repeat_row_share=1.0):
        shards = await job.run_shards(3)
    manifest = job.publish().manifest

    assert manifest.duplicates_dropped == sum(shard.draft.rows for shard in shards) - manifest.rows > 0
    assert tables(job.root)["user_conversations"].equals(tables(single.root)["user_conversations"])


async def test_all_rows_have_the_time_when_the_first_shard_began(job: ShardedExport) -> None:
    shards = await job.run_shards(3)

    job.publish()

    began = min(shard.draft.started_at for shard in shards)
    snapshot = open_snapshot(job.root)
    assert {row["snapshot_at"] for row in snapshot.dataset().to_table(columns=["snapshot_at"]).to_pylist()} == {began}
    assert set(snapshot.users()["snapshot_at"].to_pylist()) == {began}
    assert snapshot.manifest.started_at == began


async def test_requests_and_their_timeline_are_those_of_all_shards(
    job: ShardedExport, twilio: RunningSimulator
) -> None:
    shards = await job.run_shards(3)

    manifest = job.publish().manifest

    assert manifest.requests.requests == sum(shard.draft.requests.requests for shard in shards)
    assert sum(window.requests for window in manifest.timeline) == manifest.requests.requests
    assert twilio.counters().requests >= manifest.requests.requests
    assert [service.friendly_name for service in manifest.services] == [
        service.friendly_name for service in sorted(twilio.world.services, key=lambda one: one.sid)
    ]


class BrokenShards(BrokenListsAfterTheRoster, ShardedExport):
    async def run_shard(self, *args: object, **changes: object) -> object:  # type: ignore[override]
        with changed(self.twilio, latency_ms=10, page_loop_share=0.0):
            return await super().run_shard(*args, parallel=2, **changes)  # type: ignore[arg-type]


async def test_failures_of_all_shards_are_judged_together(twilio: RunningSimulator, tmp_path: Path) -> None:
    job = BrokenShards(twilio, tmp_path / "sharded")
    await job.run_shards(3)
    with pytest.raises(GuardRefused, match=r"of 120 users could not be read.*\nRun shard .* again with --restart"):
        job.publish(on_incomplete="refuse")

    manifest = job.publish().manifest

    failures = open_snapshot(job.root).failures().to_pylist()
    assert not manifest.complete
    assert 0 < manifest.users.failed == len(failures)
    assert failures == sorted(failures, key=lambda failure: (failure["chat_service_sid"], failure["user_sid"]))
    failed = {failure["user_sid"] for failure in failures}
    rows = {key: row for key, row in world_rows(twilio).items() if row["user_sid"] not in failed}
    assert_same(job.published(), rows)


async def test_a_staged_file_that_was_damaged_is_not_published(job: ShardedExport) -> None:
    (shard,) = await job.run_shards(1)
    open_store(job.root).objects.put_bytes(b"damaged", shard.files[0].path)

    with pytest.raises(
        BadInput, match=r"not the file that its shard has staged.*\nRun that shard again with --restart"
    ):
        job.publish()
