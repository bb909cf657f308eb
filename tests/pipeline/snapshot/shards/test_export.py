"""Shards over real sockets: however they were run, their snapshot is that of one process."""

import asyncio
from pathlib import Path

import pytest

from readstate.errors import Stopped
from readstate.simulator.server.server import RunningSimulator
from readstate.snapshot.published.snapshot import defects
from readstate.snapshot.published.snapshot_store import open_store
from readstate.snapshot.roster.selection import RosterEntry, RosterSelection
from readstate.snapshot.roster.shard import Shard
from readstate.snapshot.shards.staging import STAGING
from tests.helpers.exporting import Export, StoppingAfter, changed
from tests.helpers.shard_runs import ShardedExport, assert_same_snapshots, contents


@pytest.mark.parametrize("count", [1, 2, 5])
async def test_however_many_shards_there_are_the_snapshot_is_that_of_one_process(
    count: int, job: ShardedExport, single: Export, twilio: RunningSimulator
) -> None:
    with changed(twilio, vanished_users_share=0.1):
        await single.run()
        shards = await job.run_shards(count)
    published = job.publish()

    assert not published.already
    assert_same_snapshots(single, job)
    assert sum(shard.draft.users.listed for shard in shards) == 120
    assert list(defects(open_store(job.root), published.manifest)) == []


async def test_a_shard_without_users_is_fine(job: ShardedExport, single: Export, twilio: RunningSimulator) -> None:
    few = RosterSelection(entries=tuple(RosterEntry(line, user, None) for line, user in enumerate(_sids(twilio)[:2])))
    await single.run(selection=few)

    shards = await job.run_shards(5, selection=few)
    job.publish()

    assert any(shard.draft.users.listed == 0 for shard in shards)
    assert_same_snapshots(single, job)


def _sids(twilio: RunningSimulator) -> list[str]:
    """Users of the default service."""
    default = twilio.world.default_service.sid
    return [user.sid for service, user in twilio.world.users() if service.sid == default]


async def test_a_user_that_a_file_names_twice_belongs_to_one_shard(
    job: ShardedExport, single: Export, twilio: RunningSimulator
) -> None:
    users = [(service.sid, user) for service, user in twilio.world.users()]
    by_identity = [RosterEntry(line, user.identity, service) for line, (service, user) in enumerate(users)]
    by_sid = [RosterEntry(1000 + line, user.sid, service) for line, (service, user) in enumerate(users[::2])]
    unknown = [RosterEntry(2000, "no such name", None), RosterEntry(2001, "US" + "0" * 32, users[0][0])]
    selection = RosterSelection(entries=(*by_identity, *by_sid, *unknown))

    await single.run(selection=selection)
    shards = await job.run_shards(3, selection=selection)
    manifest = job.publish().manifest

    assert (manifest.users.vanished, manifest.users.unknown) == (0, 2)
    assert sum(shard.draft.rows for shard in shards) == manifest.rows
    assert_same_snapshots(single, job)


async def test_columns_left_empty_are_empty_in_staged_files_too(
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


class StoppingShards(StoppingAfter, ShardedExport):
    users = 5


@pytest.mark.parametrize("machine", ["work", "another machine"])
async def test_a_stopped_shard_resumes_or_begins_anew_on_another_machine(
    machine: str, twilio: RunningSimulator, single: Export, tmp_path: Path
) -> None:
    job = StoppingShards(twilio, tmp_path)
    with changed(twilio, latency_ms=20), pytest.raises(Stopped):
        await job.run_shard(Shard(1, 2), parallel=2)
    job.users = 10_000

    shard = await job.run_shard(Shard(1, 2), work_dir=tmp_path / machine)
    await job.run_shard(Shard(2, 2))
    manifest = job.publish().manifest
    await single.run()

    assert len(shard.spans) == manifest.starts == (2 if machine == "work" else 1)
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

    assert manifest.users.listed == 120
    assert_same_snapshots(single, job)


async def test_files_of_a_killed_staging_are_ignored(job: ShardedExport, single: Export) -> None:
    """A shard is committed by its manifest, which is written last."""
    store = open_store(job.root)
    await job.run_shards(2)
    store.objects.put_bytes(b"half", job.staging.path(Shard(1, 2), "part-0123456789abcdef.arrow"))
    store.objects.put_bytes(b"half", job.staging.path(Shard(1, 2), "users-0123456789abcdef.parquet"))

    job.publish()
    await single.run()

    assert_same_snapshots(single, job)
