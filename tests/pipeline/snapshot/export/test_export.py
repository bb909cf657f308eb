"""Exports over real sockets: whatever the account does meanwhile, the snapshot is the world."""

from pathlib import Path
from typing import Any

import pytest

from readstate.errors import GuardRefused, LocalDisk
from readstate.events import (
    UnknownFields,
)
from readstate.simulator.server.server import RunningSimulator
from readstate.snapshot.published.snapshot import defects, open_snapshot
from readstate.snapshot.published.snapshot_store import open_store
from tests.helpers.exporting import BrokenListsAfterTheRoster, Export, assert_same, changed, world_rows


async def test_the_snapshot_is_the_world(twilio: RunningSimulator, job: Export) -> None:
    manifest = await job.run()

    assert_same(job.published(), world_rows(twilio))
    assert manifest.complete
    assert manifest.users.listed == manifest.users.read == 120
    assert manifest.rows == len(job.published())
    assert list(defects(open_store(job.root), manifest)) == []


async def test_each_row_carries_the_identity_of_its_user(twilio: RunningSimulator, job: Export) -> None:
    await job.run()

    identities = {user.sid: user.identity for _, user in twilio.world.users()}
    assert {row["user_sid"]: row["identity"] for row in job.published().values()}.items() <= identities.items()
    users = open_snapshot(job.root).users().to_pylist()
    assert {user["sid"]: user["identity"] for user in users} == identities


@pytest.mark.parametrize(
    "faults",
    [
        {"error_share": 0.05, "reset_before_share": 0.03},
        {"truncate_share": 0.05, "html_success_share": 0.05},
        {"unauthorized_share": 0.02},
        {"concurrency_cap": 4, "latency_ms": 5},
        {"requests_per_second_cap": 300, "retry_after_seconds": 1},
        {"repeat_row_share": 0.5},
        {"shift_row_share": 0.5},
        {"foreign_next_origin": "http://127.0.0.1:9"},
        {"drip_share": 0.05, "drip_seconds": 0.3},
    ],
    ids="+".join,
)
async def test_the_snapshot_is_the_world_under(faults: dict[str, Any], twilio: RunningSimulator, job: Export) -> None:
    with changed(twilio, **faults):
        manifest = await job.run()

    assert manifest.complete
    assert_same(job.published(), world_rows(twilio))


async def test_rows_that_came_twice_are_dropped_and_counted(twilio: RunningSimulator, job: Export) -> None:
    with changed(twilio, repeat_row_share=1.0):
        manifest = await job.run()

    assert manifest.duplicates_dropped > 0
    assert manifest.rows == len(job.published()) == len(world_rows(twilio))


async def test_users_that_vanish_are_counted_and_are_no_failure(twilio: RunningSimulator, job: Export) -> None:
    with changed(twilio, vanished_users_share=0.2):
        manifest = await job.run()

    assert manifest.complete
    assert manifest.users.vanished > 0
    assert manifest.users.listed == manifest.users.read + manifest.users.vanished
    results = open_snapshot(job.root).users()["result"].to_pylist()
    assert results.count("vanished") == manifest.users.vanished


async def test_unknown_fields_are_named_and_counted(twilio: RunningSimulator, job: Export) -> None:
    with changed(twilio, extra_fields=True):
        manifest = await job.run()

    assert sum(manifest.unknown_fields.values()) == manifest.rows
    assert any(isinstance(event, UnknownFields) for event in job.events)
    assert_same(job.published(), world_rows(twilio))


async def test_a_user_that_cannot_be_read_is_a_line_in_failures_and_contributes_no_row(
    twilio: RunningSimulator, tmp_path: Path
) -> None:
    job = BrokenListsAfterTheRoster(twilio, tmp_path)
    with changed(twilio, latency_ms=10):
        manifest = await job.run(parallel=2)

    failures = open_snapshot(job.root).failures().to_pylist()
    assert not manifest.complete
    assert 0 < manifest.users.failed == len(failures)
    assert all("page" in failure["reason"] for failure in failures)
    failed = {failure["user_sid"] for failure in failures}
    assert not failed & {row["user_sid"] for row in job.published().values()}
    assert_same(job.published(), {key: row for key, row in world_rows(twilio).items() if row["user_sid"] not in failed})


async def test_too_many_failures_are_refused_with_on_incomplete_refuse_and_retried_next_time(
    twilio: RunningSimulator, tmp_path: Path
) -> None:
    job = BrokenListsAfterTheRoster(twilio, tmp_path)
    with changed(twilio, latency_ms=10), pytest.raises(GuardRefused, match="not published"):
        await job.run(parallel=2, on_incomplete="refuse")
    assert open_store(job.root).dates() == []

    manifest = await Export(twilio, tmp_path).run(on_incomplete="refuse")

    assert manifest.complete
    assert manifest.starts == 2
    assert_same(job.published(), world_rows(twilio))


async def test_blanked_columns_stay_and_are_empty(job: Export) -> None:
    manifest = await job.run(blanked_columns=("identity", "attributes"))

    rows = list(job.published().values())
    assert all(row["identity"] is None and row["attributes"] is None for row in rows)
    assert any(row["friendly_name"] for row in rows)
    assert manifest.blanked_columns == ("identity", "attributes")
    assert open_snapshot(job.root).users()["identity"].null_count == manifest.users.listed


async def test_the_same_world_gives_the_same_rows_in_the_same_order_whatever_the_timing(
    twilio: RunningSimulator, tmp_path: Path
) -> None:
    tables = []
    for number, latency in enumerate((0, 15)):
        job = Export(twilio, tmp_path / str(number))
        with changed(twilio, latency_ms=latency, latency_sigma=1.0):
            await job.run(parallel=3 + 20 * number)
        tables.append(open_snapshot(job.root).dataset().to_table().drop_columns(["snapshot_at"]))

    assert tables[0].to_pylist() == tables[1].to_pylist()


async def test_a_root_that_cannot_be_written_is_refused_before_the_first_request(
    twilio: RunningSimulator, job: Export, tmp_path: Path
) -> None:
    (tmp_path / "root").write_text("in the way")

    with pytest.raises(LocalDisk):
        await job.run()
    assert twilio.counters().requests == 0
