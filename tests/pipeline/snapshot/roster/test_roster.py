import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from readstate.clock import SystemClock
from readstate.concurrency import WorkerThread
from readstate.errors import BadInput, LocalDisk
from readstate.events import RosterValueUnusable, ignore
from readstate.model.resources import User
from readstate.simulator.server.server import RunningSimulator
from readstate.snapshot.published.snapshot import open_snapshot
from readstate.snapshot.roster.roster import Roster
from readstate.snapshot.roster.selection import RosterEntry, RosterSelection
from readstate.snapshot.workspace.checkpoint import Checkpoint
from readstate.stop import StopSwitch
from readstate.twilio.client import Reader, UsersPage
from readstate.twilio.http.request import list_users
from readstate.twilio.lists.moving_list import ListPosition
from tests.helpers.altered_answers import altered_answers
from tests.helpers.exporting import Export, assert_same, world_rows
from tests.helpers.processes import LONGEST_SECONDS


async def test_a_file_of_users_is_resolved_whatever_their_identities_look_like(
    twilio: RunningSimulator, job: Export
) -> None:
    wanted = [(service.sid, user) for service, user in twilio.world.users()][::3]
    entries = tuple(RosterEntry(line, user.identity, service) for line, (service, user) in enumerate(wanted))
    missing = RosterEntry(999, "nobody of this name", None)

    manifest = await job.run(selection=RosterSelection(entries=(*entries, missing)))

    sids = {user.sid for _, user in wanted}
    unreachable = {user.sid for _, user in wanted if user.identity in {".", ".."} or "\t" in user.identity}
    assert (manifest.users.vanished, manifest.users.unknown) == (0, 1)
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


async def test_the_manifest_has_the_names_of_the_services_that_are_listed(
    twilio: RunningSimulator, job: Export
) -> None:
    manifest = await job.run()

    names = {service.chat_service_sid: service.friendly_name for service in manifest.services}
    assert names == {service.sid: service.friendly_name for service in twilio.world.services}


async def test_a_trial_reads_no_more_users_than_asked_for(job: Export) -> None:
    manifest = await job.run(selection=RosterSelection(limit=7))

    assert manifest.users.listed == 7


async def test_users_with_unusable_values_are_repaired_or_set_apart_and_the_others_are_read(
    twilio: RunningSimulator, job: Export
) -> None:
    service = twilio.world.default_service
    dated, cut, nameless = [user.sid for user in service.users()][:3]
    damage = {dated: {"date_created": "yesterday"}, cut: {"friendly_name": "\ud83d"}, nameless: {"sid": None}}

    def alter(target: str, body: bytes) -> bytes:
        if not target.startswith(f"/v1/Services/{service.sid}/Users?"):
            return body
        page = json.loads(body)
        for user in page["users"]:
            user.update(damage.get(user["sid"], {}))
        return json.dumps(page).encode()

    async with altered_answers(twilio.base_url, alter) as server:
        job.settings["base_url"] = server.base_url
        manifest = await job.run(selection=RosterSelection(services=(service.sid,)))

    told = [event.field for event in job.events if isinstance(event, RosterValueUnusable)]
    users = {user["sid"]: user for user in open_snapshot(job.root).users().to_pylist()}
    assert (manifest.users.failed, sorted(told)) == (1, ["date_created", "sid"])
    assert (users[dated]["date_created"], users[cut]["friendly_name"]) == (None, "\ufffd")
    assert "without a SID" in open_snapshot(job.root).failures().to_pylist()[0]["reason"]
    expected = {key: row for key, row in world_rows(twilio).items() if key[0] == service.sid and key[1] != nameless}
    assert_same(job.published(), expected)


SERVICE = "IS" + "0" * 32


class ListingThatWaits(Reader):
    """Lists users page by page, the next page when *go_on* is set; then the list ends with an error."""

    def __init__(self, pages: int) -> None:
        self.left = pages
        self.waits = asyncio.Event()
        self.go_on = asyncio.Event()

    async def users(self, service: str | None, *, start: object = None) -> AsyncIterator[UsersPage]:
        request = list_users(service)
        for number in range(self.left):
            yield UsersPage([User(sid=f"US{number:032x}")], ListPosition(first=request, request=request), {})
            self.waits.set()
            await self.go_on.wait()
        raise BadInput("the list is broken")


@pytest.fixture
def listing(tmp_path: Path) -> Iterator[tuple[ListingThatWaits, Roster, Checkpoint]]:
    reader, clock = ListingThatWaits(pages=3), SystemClock()
    with WorkerThread() as disk, closing(Checkpoint(tmp_path / "checkpoint.sqlite")) as checkpoint:
        selection = RosterSelection(services=(SERVICE,))
        yield (
            reader,
            Roster(
                selection, reader=reader, checkpoint=checkpoint, disk=disk, stop=StopSwitch(), clock=clock,
                emit=ignore, parallel=1,
            ),
            checkpoint,
        )  # fmt: skip


async def test_a_page_is_read_at_once_where_nothing_else_is_to_be_read(
    listing: tuple[ListingThatWaits, Roster, Checkpoint],
) -> None:
    _, roster, _ = listing
    filling = asyncio.create_task(roster.fill())

    async with asyncio.timeout(LONGEST_SECONDS):
        first = await anext(roster.users_to_read())

    assert first.user_sid == f"US{0:032x}"
    filling.cancel()
    await asyncio.gather(filling, return_exceptions=True)


async def test_pages_that_were_listed_before_an_error_are_kept(
    listing: tuple[ListingThatWaits, Roster, Checkpoint],
) -> None:
    reader, roster, checkpoint = listing
    reader.go_on.set()

    with pytest.raises(BadInput):
        await roster.fill()

    assert checkpoint.progress().listed == reader.left


async def test_no_page_is_kept_before_one_that_could_not_be_written(
    listing: tuple[ListingThatWaits, Roster, Checkpoint],
) -> None:
    """Its place in the list is behind that page, which would not be read again."""
    reader, roster, checkpoint = listing
    filling = asyncio.create_task(roster.fill())
    await reader.waits.wait()
    checkpoint._connection.execute("PRAGMA query_only = 1")
    with pytest.raises(LocalDisk):
        await anext(roster.users_to_read())
    checkpoint._connection.execute("PRAGMA query_only = 0")

    reader.go_on.set()
    with pytest.raises(BadInput):
        await filling

    assert checkpoint.progress().listed == reader.left
