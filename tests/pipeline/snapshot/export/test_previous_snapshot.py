import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from readstate.events import (
    RosterPageRead,
    UsersForeseen,
)
from readstate.simulator.faults.scripted_actions import perform
from readstate.simulator.server.server import RunningSimulator
from readstate.snapshot.export.previous_snapshot import long_lists
from readstate.snapshot.published.snapshot import open_snapshot
from readstate.snapshot.published.snapshot_store import open_store
from readstate.snapshot.roster.selection import RosterEntry, RosterSelection
from readstate.snapshot.workspace.checkpoint import Checkpoint
from readstate.snapshot.workspace.workspace import Workspace
from tests.helpers.exporting import DAY, Export, assert_same, world_rows
from tests.helpers.snapshots import SERVICE, publish, user, user_sid

NEXT_DAY = DAY + timedelta(days=1)


async def test_users_of_the_previous_snapshot_are_known_before_they_are_listed_again(
    twilio: RunningSimulator, job: Export
) -> None:
    await job.run()
    job.events.clear()

    await job.run(snapshot_date=NEXT_DAY)

    preloaded = next(number for number, event in enumerate(job.events) if isinstance(event, UsersForeseen))
    listed = next(number for number, event in enumerate(job.events) if isinstance(event, RosterPageRead))
    assert preloaded < listed
    assert job.events[preloaded] == UsersForeseen(120)
    assert sum(event.users for event in job.events if isinstance(event, RosterPageRead)) == 0
    assert_same(job.published(), world_rows(twilio))


@pytest.mark.parametrize(("base_url", "is_known"), [(None, True), ("https://other.example", False)])
async def test_a_run_begins_at_half_of_what_the_previous_run_of_the_account_had_in_flight(
    job: Export, base_url: str | None, is_known: bool
) -> None:
    first = await job.run()
    store = open_store(job.root)
    timeline = tuple(replace(first.timeline[0], in_flight=number) for number in (400, 7, 500))
    store.publish(replace(first, timeline=timeline, base_url=base_url or first.base_url), replaces=store.current(DAY))

    second = await job.run(snapshot_date=NEXT_DAY)

    # 120 users alone do not fill so large a window.
    assert (max(window.allowed for window in second.timeline) >= 200) == is_known


async def test_a_user_that_vanished_since_the_previous_snapshot_is_not_in_the_next(
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
async def test_a_damaged_previous_snapshot_makes_an_export_slower_and_no_less_complete(
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
async def test_the_previous_snapshot_is_not_used_where_it_cannot_select_the_users_to_read(
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


def test_users_with_more_than_one_page_are_known_to_the_next_run(tmp_path: Path) -> None:
    counts = {1: 51, 2: 50, 3: None, 4: 3600}
    users = [user(number, conversations=count) for number, count in counts.items()]
    manifest = publish(tmp_path, DAY, [], users=users)

    assert list(long_lists(open_store(str(tmp_path)), manifest)) == [
        (SERVICE, user_sid(1), 51),
        (SERVICE, user_sid(4), 3600),
    ]
