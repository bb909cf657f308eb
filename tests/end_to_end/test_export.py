"""Exports over real sockets: whatever the account does meanwhile, the snapshot is the world."""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from readstate.errors import BadInput, ExitCode, GuardRefused, LocalDisk, NotPermitted, Stopped, StoppedEarly
from readstate.events import (
    Event,
    PartWritten,
    RequestAnswered,
    RosterComplete,
    RosterPageRead,
    RunResumed,
    UnknownFields,
    UserRead,
    UsersForeseen,
)
from readstate.simulator.faults.faults import Faults
from readstate.simulator.faults.scripted_actions import perform
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import RunningSimulator, running
from readstate.simulator.world.world import World
from readstate.snapshot.published.snapshot import defects, open_snapshot
from readstate.snapshot.published.snapshot_store import open_store
from readstate.snapshot.roster.selection import RosterSelection
from readstate.snapshot.roster.users_file import RosterEntry
from readstate.snapshot.workspace.checkpoint import Checkpoint
from readstate.snapshot.workspace.workspace import Workspace
from readstate.stop import StopReason
from tests.helpers.exporting import DAY, Export, assert_same, changed, world_rows
from tests.helpers.processes import LONGEST_SECONDS

NEXT_DAY = DAY + timedelta(days=1)
SHAPE = WorldShape(users=120, services=2, conversations_per_user=6, odd_identities=0.3, seed=3)


@pytest.fixture
def twilio() -> Iterator[RunningSimulator]:
    with running(World(SHAPE), faults=Faults(concurrency_cap=None)) as simulator:
        yield simulator


@pytest.fixture
def job(twilio: RunningSimulator, tmp_path: Path) -> Export:
    return Export(twilio, tmp_path)


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


async def test_fields_that_nobody_knows_are_named_and_counted(twilio: RunningSimulator, job: Export) -> None:
    with changed(twilio, extra_fields=True):
        manifest = await job.run()

    assert sum(manifest.unknown_fields.values()) == manifest.rows
    assert any(isinstance(event, UnknownFields) for event in job.events)
    assert_same(job.published(), world_rows(twilio))


class BrokenListsAfterTheRoster(Export):
    """Lets every list of more than a page lead back to itself, once the users are known."""

    def on_event(self, event: Event) -> None:
        if isinstance(event, RosterComplete):
            self.twilio.faults = replace(self.twilio.faults, page_loop_share=1.0)


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


async def test_too_many_failures_are_not_published_where_that_was_asked_and_tried_again_next_time(
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


class StoppingAfter(Export):
    """Asks for a stop when so many users were read."""

    users = 30

    def on_event(self, event: Event) -> None:
        read = sum(isinstance(event, UserRead) for event in self.events)
        if read >= self.users and self.stop is not None:
            self.stop.request_stop(StopReason("enough", ExitCode.STOPPED_EARLY))


async def test_a_stopped_run_goes_on_where_it_was(twilio: RunningSimulator, tmp_path: Path) -> None:
    job = StoppingAfter(twilio, tmp_path)
    with changed(twilio, latency_ms=20), pytest.raises(Stopped, match="enough") as caught:
        await job.run(parallel=4)
    assert caught.value.exit_code == ExitCode.STOPPED_EARLY
    assert open_store(job.root).dates() == []
    requests_before = twilio.counters().requests

    job.users = 10_000
    manifest = await job.run()

    resumed = next(event for event in job.events if isinstance(event, RunResumed))
    assert resumed.users_done >= 30
    assert manifest.starts == 2
    assert manifest.requests.requests >= requests_before
    assert sum(window.requests for window in manifest.timeline) == manifest.requests.requests
    assert max(window.in_flight for window in manifest.timeline) >= 4
    assert_same(job.published(), world_rows(twilio))


async def test_the_time_between_two_starts_is_a_pause(twilio: RunningSimulator, tmp_path: Path) -> None:
    job = StoppingAfter(twilio, tmp_path)
    with changed(twilio, latency_ms=20), pytest.raises(Stopped):
        await job.run(parallel=4)
    (checkpoint,) = job.work_dir.rglob("checkpoint.sqlite")
    with sqlite3.connect(checkpoint) as connection:
        hour_ago = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
        (record,) = connection.execute("SELECT value FROM run WHERE name = 'record'").fetchone()
        moved = json.dumps(json.loads(record) | {"spans": [[hour_ago, hour_ago]]})
        connection.execute("UPDATE run SET value = ? WHERE name = 'record'", [moved])
        connection.execute("UPDATE run SET value = ? WHERE name = 'started_at'", [json.dumps(hour_ago)])

    job.users = 10_000
    manifest = await job.run()

    assert (manifest.ended_at - manifest.started_at).total_seconds() > 3600
    assert manifest.paused_seconds == pytest.approx(3600, abs=20)


async def test_a_start_that_ends_before_it_knows_a_user_leaves_nothing_behind(
    twilio: RunningSimulator, tmp_path: Path
) -> None:
    job = Export(twilio, tmp_path)

    with pytest.raises(BadInput, match="no service"):
        await job.run(selection=RosterSelection(services=("IS" + "0" * 32,)))
    assert list(job.work_dir.glob("exports/*")) == []
    await job.run()

    assert_same(job.published(), world_rows(twilio))


async def test_resuming_with_other_options_is_refused_and_says_which(twilio: RunningSimulator, tmp_path: Path) -> None:
    job = StoppingAfter(twilio, tmp_path)
    with changed(twilio, latency_ms=20), pytest.raises(Stopped):
        await job.run(parallel=4)

    with pytest.raises(BadInput, match=r"other options \(limit\).*\n.*--restart"):
        await job.run(selection=RosterSelection(limit=50))


async def test_a_stop_while_nothing_answers_waits_no_longer_than_the_grace(
    twilio: RunningSimulator, job: Export
) -> None:
    job.settings |= {"read_timeout_seconds": 600.0, "request_timeout_seconds": 600.0}
    with changed(twilio, outage="hang"):
        run = asyncio.create_task(job.run(grace_seconds=0.2))
        while not twilio.counters().faults["hang"]:
            await asyncio.sleep(0.01)
        assert job.stop is not None
        job.stop.request_stop(StopReason("stopped by SIGTERM", ExitCode.TERMINATED))

        with pytest.raises(Stopped, match="SIGTERM"):
            await asyncio.wait_for(run, LONGEST_SECONDS)


async def test_credentials_that_are_refused_end_the_run(twilio: RunningSimulator, job: Export) -> None:
    with changed(twilio, suspended=True), pytest.raises(NotPermitted):
        await job.run()


async def test_an_outage_ends_the_run_in_time_and_it_can_go_on(twilio: RunningSimulator, tmp_path: Path) -> None:
    class OutageAfter(Export):
        def on_event(self, event: Event) -> None:
            if sum(isinstance(event, RequestAnswered) for event in self.events) == 60:
                twilio.faults = replace(twilio.faults, outage="503")

    job = OutageAfter(twilio, tmp_path)
    with changed(twilio, latency_ms=10), pytest.raises(StoppedEarly):
        await job.run(parallel=4)
    twilio.faults = Faults(concurrency_cap=None)
    job.on_event = lambda event: None  # type: ignore[method-assign]

    manifest = await job.run()

    assert manifest.complete
    assert_same(job.published(), world_rows(twilio))


async def test_a_file_of_users_is_resolved_whatever_their_identities_look_like(
    twilio: RunningSimulator, job: Export
) -> None:
    wanted = [(service.sid, user) for service, user in twilio.world.users()][::3]
    entries = tuple(RosterEntry(line, user.identity, service) for line, (service, user) in enumerate(wanted))
    missing = RosterEntry(999, "nobody of this name", None)

    manifest = await job.run(selection=RosterSelection(entries=(*entries, missing)))

    sids = {user.sid for _, user in wanted}
    unreachable = {user.sid for _, user in wanted if user.identity in {".", ".."} or "\t" in user.identity}
    assert manifest.users.vanished == 1
    assert manifest.users.failed == len(unreachable)
    assert_same(
        job.published(),
        {key: row for key, row in world_rows(twilio).items() if row["user_sid"] in sids - unreachable},
    )


async def test_a_service_that_does_not_exist_is_named(job: Export) -> None:
    nowhere = "IS" + "f" * 32
    with pytest.raises(BadInput, match=f"no service {nowhere}"):
        await job.run(selection=RosterSelection(services=(nowhere,)))


async def test_the_default_service_alone_is_the_default_service_alone(twilio: RunningSimulator, job: Export) -> None:
    await job.run(selection=RosterSelection(services=("default",)))

    assert {key[0] for key in job.published()} == {twilio.world.default_service.sid}


async def test_a_trial_reads_no_more_users_than_asked_for(job: Export) -> None:
    manifest = await job.run(selection=RosterSelection(limit=7))

    assert manifest.users.listed == 7


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


async def test_rows_reach_the_disk_in_parts_while_the_run_goes_on(job: Export) -> None:
    await job.run()

    parts = [event for event in job.events if isinstance(event, PartWritten)]
    assert sum(part.rows for part in parts) == len(job.published())


async def test_a_root_that_cannot_be_written_is_told_before_anything_is_asked(
    twilio: RunningSimulator, job: Export, tmp_path: Path
) -> None:
    (tmp_path / "root").write_text("in the way")

    with pytest.raises(LocalDisk):
        await job.run()
    assert twilio.counters().requests == 0


async def test_users_of_the_last_snapshot_are_known_before_they_are_listed_again(
    twilio: RunningSimulator, job: Export
) -> None:
    await job.run()
    job.events.clear()

    await job.run(snapshot_date=NEXT_DAY)

    foreseen = next(number for number, event in enumerate(job.events) if isinstance(event, UsersForeseen))
    listed = next(number for number, event in enumerate(job.events) if isinstance(event, RosterPageRead))
    assert foreseen < listed
    assert job.events[foreseen] == UsersForeseen(120)
    assert sum(event.users for event in job.events if isinstance(event, RosterPageRead)) == 0
    assert_same(job.published(), world_rows(twilio))


async def test_a_user_who_is_gone_since_the_last_snapshot_is_no_part_of_the_next(
    twilio: RunningSimulator, job: Export
) -> None:
    first = await job.run()
    service, gone, _ = min(job.published())
    perform(twilio.world, {"action": "delete_user", "service": service, "user": gone})

    second = await job.run(snapshot_date=NEXT_DAY)

    assert_same(job.published(), world_rows(twilio))
    assert (second.users.listed, second.users.read, second.users.vanished) == (first.users.read - 1,) * 2 + (0,)
    users = open_snapshot(job.root).users().to_pylist()
    assert {user["sid"] for user in users} == {user.sid for _, user in twilio.world.users()}


async def test_new_users_are_found_although_others_were_known(twilio: RunningSimulator, job: Export) -> None:
    some = list(twilio.world.users())[:7]
    entries = tuple(RosterEntry(line, user.sid, service.sid) for line, (service, user) in enumerate(some, 2))
    await job.run(selection=RosterSelection(entries=entries))

    await job.run(snapshot_date=NEXT_DAY)

    assert UsersForeseen(7) in job.events
    assert_same(job.published(), world_rows(twilio))


async def test_users_known_to_a_start_that_was_killed_at_once_are_not_those_of_other_options(
    twilio: RunningSimulator, job: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    await job.run()
    wanted = twilio.world.services[0].sid
    monkeypatch.setattr(Workspace, "remove", lambda _: None)  # a killed process removes nothing
    with monkeypatch.context() as until_killed:
        until_killed.setattr(Checkpoint, "set", _killed)
        with pytest.raises(_Killed):
            await job.run(snapshot_date=NEXT_DAY)

    await job.run(snapshot_date=NEXT_DAY, selection=RosterSelection((wanted,)))

    assert {service for service, _, _ in job.published()} == {wanted}


class _Killed(Exception):
    """The process is gone."""


def _killed(*_: Any, **__: Any) -> None:
    raise _Killed


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"PAR1 no more")])
async def test_a_damaged_last_snapshot_costs_what_it_knew_and_no_more(
    damage: Callable[[Path], Any], twilio: RunningSimulator, job: Export
) -> None:
    first = await job.run()
    (users,) = (file.path for file in first.files if file.dataset == "users")
    damage(Path(job.root, users))

    await job.run(snapshot_date=NEXT_DAY)

    assert not [event for event in job.events if isinstance(event, UsersForeseen)]
    assert_same(job.published(), world_rows(twilio))


@pytest.mark.parametrize(
    "changes",
    [{"base_url_then": "http://127.0.0.1:1"}, {"blanked_then": ("identity",)}, {"selection": RosterSelection(limit=5)}],
)
async def test_the_last_snapshot_is_not_trusted_where_it_cannot_tell_who_is_to_be_read(
    twilio: RunningSimulator, job: Export, changes: dict[str, Any]
) -> None:
    await job.run(blanked_columns=changes.pop("blanked_then", ()))
    if base_url := changes.pop("base_url_then", None):
        _rewrite_manifest(job, base_url=base_url)

    await job.run(snapshot_date=NEXT_DAY, **changes)

    assert not [event for event in job.events if isinstance(event, UsersForeseen)]
    assert all(row["identity"] is not None for row in job.published().values())


def _rewrite_manifest(job: Export, **changes: Any) -> None:
    path = Path(job.root) / "_snapshots" / f"{DAY}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
