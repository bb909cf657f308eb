from readstate.simulator.seed.world_shape import WorldShape
from tests.helpers.simulated_api import SimulatedApi


def test_participants_are_added_with_a_user_when_there_is_none(api: SimulatedApi) -> None:
    conversation = api.membership()["links"]["conversation"]

    added = api.ask("POST", f"{conversation}/Participants", Identity="somebody new", Attributes='{"a": 1}')

    assert added.status == 201
    assert added.body["attributes"] == '{"a": 1}'
    assert api.get("/v1/Users/somebody%20new")["identity"] == "somebody new"
    assert api.get(f"{conversation}/Participants/somebody%20new") == added.body
    assert api.ask("POST", f"{conversation}/Participants").status == 400


def test_a_participant_takes_attributes_alone(api: SimulatedApi) -> None:
    link = api.membership()["links"]["participant"]

    changed = api.ask("POST", link, Attributes='{"b": 2}')

    assert changed.body["attributes"] == '{"b": 2}'
    assert api.ask("POST", link).code == 20161
    assert api.ask("DELETE", link).status == 204
    assert api.ask("DELETE", link).status == 404


def test_no_user_is_in_more_than_a_thousand_live_conversations() -> None:
    api = SimulatedApi(WorldShape(users=2_000, heaviest=1_500))
    busy = next(user for user in api.service.users() if len(api.service.conversations_of(user.number)) == 1_500)
    conversation = next(
        found
        for found in api.service.conversations()
        if busy.number not in {member.user for member in api.service.participants(found)}
    )

    assert api.ask("POST", f"/v1/Conversations/{conversation.sid}/Participants", Identity=busy.sid).code == 50214
