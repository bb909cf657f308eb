import json

import pytest

from readstate.errors import BadInput
from readstate.events import RosterValueUnusable
from readstate.simulator.server.server import RunningSimulator
from readstate.snapshot.published.snapshot import open_snapshot
from readstate.snapshot.roster.selection import RosterSelection
from readstate.snapshot.roster.users_file import RosterEntry
from tests.helpers.altered_answers import altered_answers
from tests.helpers.exporting import Export, assert_same, world_rows


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
