from datetime import timedelta

from readstate.snapshot.roster.shard import Shard
from readstate.snapshot.shards.listing import staged_runs
from readstate.snapshot.shards.staging import Staging
from tests.helpers.staged_shards import NOW, complete, register


def test_a_run_is_abandoned_a_week_after_its_last_write(staging: Staging) -> None:
    complete(staging, Shard(1, 4))
    register(staging, Shard(2, 4))

    (now,) = staged_runs(staging.store, now=NOW)
    (then,) = staged_runs(staging.store, now=NOW + timedelta(days=8))

    assert (now.run_id, now.shards_finished, now.shards, now.abandoned) == ("nightly", 1, 4, False)
    assert then.abandoned


def test_where_nothing_is_staged_there_are_no_runs(staging: Staging) -> None:
    assert staged_runs(staging.store, now=NOW) == []
