"""What shards leave below the root: found, judged, and told when it is of no use."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from readstate.errors import BadInput, GuardRefused
from readstate.snapshot.published.manifest import RequestCounts, RosterScope, UserCounts
from readstate.snapshot.published.snapshot_store import open_store
from readstate.snapshot.roster.shard import Shard
from readstate.snapshot.shards.agreement import require_all_shards, require_same_options
from readstate.snapshot.shards.listing import staged_runs
from readstate.snapshot.shards.staging import ShardManifest, ShardRegistration, Staging
from readstate.snapshot.workspace.run import RunRecord

NOW = datetime.now(UTC)
OPTIONS = {"services": ["all"], "snapshot_date": "2026-11-23"}
PLAIN = ShardManifest(
    schema_version=1,
    tool_version="0",
    run_id="nightly",
    shard=Shard(1, 1),
    snapshot_date=date(2026, 11, 23),
    options=OPTIONS,
    account_sid="AC1",
    base_url="https://conversations.twilio.com",
    roster=RosterScope(("all",)),
    blanked_columns=(),
    started_at=NOW,
    ended_at=NOW,
    record=RunRecord((), RequestCounts(), ()),
    services=(),
    users=UserCounts(0, 0, 0, 0),
    rows=0,
    unknown_fields={},
)


@pytest.fixture
def staging(tmp_path: Path) -> Staging:
    return Staging(open_store(str(tmp_path / "root")), "nightly")


def begin(staging: Staging, shard: Shard, *, options: dict[str, Any] = OPTIONS, command: tuple[str, ...] = ()) -> None:
    staging.register(shard, ShardRegistration(snapshot_date=date(2026, 11, 23), options=options, command=command))


def finish(staging: Staging, shard: Shard, **changes: Any) -> ShardManifest:
    begin(staging, shard)
    manifest = msgspec.structs.replace(PLAIN, shard=shard, **changes)
    staging.complete(manifest)
    return manifest


def test_what_a_shard_has_left_is_found_as_it_was_written(staging: Staging) -> None:
    manifest = finish(staging, Shard(2, 3))

    assert staging.completed() == {Shard(2, 3): manifest}
    assert staging.manifest(Shard(2, 3)) == manifest
    assert staging.manifest(Shard(1, 3)) is None


def test_shards_come_in_their_order_however_they_came(staging: Staging) -> None:
    for number in (10, 2, 1, 9, 3, 8, 4, 7, 5, 6):
        finish(staging, Shard(number, 10))

    assert [shard.shard.number for shard in require_all_shards(staging)] == list(range(1, 11))


def test_a_shard_that_never_began_is_told_the_line_of_another(staging: Staging) -> None:
    finish(staging, Shard(1, 3))
    begin(staging, Shard(2, 3), command=("readstate", "export", "--users", "of 2.csv"))

    with pytest.raises(GuardRefused) as refusal:
        require_all_shards(staging)

    assert "readstate export --users 'of 2.csv' --shard 2/3" in str(refusal.value)
    assert "--shard 3/3" in str(refusal.value)


def test_shards_of_two_accounts_are_not_put_together(staging: Staging) -> None:
    finish(staging, Shard(1, 2))
    finish(staging, Shard(2, 2), account_sid="AC2")

    with pytest.raises(BadInput, match="disagree about account: 1/2: AC1; 2/2: AC2"):
        require_all_shards(staging)


@pytest.mark.parametrize("version", [{"schema_version": 2}, {"staging_version": 1}, {"staging_version": 3}])
def test_shards_of_another_version_are_left_to_that_version(version: dict[str, int], staging: Staging) -> None:
    finish(staging, Shard(1, 1), tool_version="9.9", **version)

    with pytest.raises(BadInput, match=r"was staged by another readstate, 9\.9"):
        require_all_shards(staging)


def test_a_document_that_cannot_be_read_is_named(staging: Staging) -> None:
    staging.store.objects.put_bytes(b"{}", staging.path(Shard(1, 2), "shard.json"))

    with pytest.raises(BadInput, match=r"nightly/1-of-2/shard\.json: not of this version"):
        staging.completed()


def test_a_shard_may_differ_from_what_it_was_told_before_but_not_from_the_others(staging: Staging) -> None:
    begin(staging, Shard(1, 2))
    other = OPTIONS | {"services": ["default"]}

    require_same_options(staging, Shard(1, 2), other)
    with pytest.raises(BadInput, match="disagree about services"):
        require_same_options(staging, Shard(2, 2), other)
    with pytest.raises(BadInput, match="divided in different ways: 1/2, 2/3"):
        require_same_options(staging, Shard(2, 3), OPTIONS)


def test_a_run_is_abandoned_when_nobody_has_written_to_it_for_a_week(staging: Staging) -> None:
    finish(staging, Shard(1, 4))
    begin(staging, Shard(2, 4))

    (now,) = staged_runs(staging.store, now=NOW)
    (then,) = staged_runs(staging.store, now=NOW + timedelta(days=8))

    assert (now.run_id, now.completed, now.shards, now.is_abandoned) == ("nightly", 1, 4, False)
    assert then.is_abandoned


def test_where_nothing_is_staged_there_are_no_runs(staging: Staging) -> None:
    assert staged_runs(staging.store, now=NOW) == []
