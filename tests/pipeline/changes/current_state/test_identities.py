import pytest

from readstate.changes.current_state.identities import resolve_by_listing, resolve_identities
from readstate.errors import UnusableAnswer
from readstate.model.ids import is_unsafe_in_path
from readstate.simulator.seed.world_shape import WorldShape
from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response
from tests.helpers.planning import SimulatedTransport, read_context
from tests.helpers.scripted_transport import ScriptedTransport, page
from tests.helpers.simulated_api import SimulatedApi


@pytest.mark.parametrize("slash", ["identity", "separator"])
async def test_every_identity_is_found_whatever_the_server_makes_of_its_signs(slash: str) -> None:
    simulated = SimulatedApi(WorldShape(users=120, odd_identities=0.9), encoded_slash=slash)
    expected = {user.identity: user.sid for user in simulated.service.users() if "\t" not in user.identity}

    found = await resolve_identities(
        [*expected, "nobody", "no/body"], read_context(SimulatedTransport(simulated), simulated.service.sid)
    )

    assert found == expected


async def test_users_are_listed_until_every_odd_identity_is_found() -> None:
    simulated = SimulatedApi(WorldShape(users=120, odd_identities=0.9))
    odd = next(user for user in simulated.service.users() if is_unsafe_in_path(user.identity))
    context = read_context(SimulatedTransport(simulated), simulated.service.sid)

    found = await resolve_by_listing([odd.identity], context)

    assert (found.sids, found.requests) == ({odd.identity: odd.sid}, 1)


async def test_a_plain_identity_costs_one_request() -> None:
    simulated = SimulatedApi(WorldShape(users=120, odd_identities=0))
    transport = SimulatedTransport(simulated)

    await resolve_identities(["user-1", "user-2"], read_context(transport, simulated.service.sid))

    assert len(transport.sent) == 2


@pytest.mark.parametrize("identity", [b'"bob"', b'"Ann"', b"null"])
async def test_an_answer_about_another_user_is_not_believed(identity: bytes) -> None:
    simulated = SimulatedApi(WorldShape(users=10, odd_identities=0))

    class Confused:
        async def send(self, request: Request) -> Response:
            return Response(200, {}, b'{"sid": "US%s", "identity": %s}' % (b"0" * 32, identity))

    with pytest.raises(UnusableAnswer, match="about another"):
        await resolve_identities(["ann"], read_context(Confused(), simulated.service.sid))


@pytest.mark.parametrize("damage", [{"identity": 5}, {"sid": None, "identity": "ann"}])
async def test_a_user_of_the_list_that_cannot_be_read_is_not_taken_for_one_that_is_missing(
    damage: dict[str, object],
) -> None:
    transport = ScriptedTransport(page("users", [{"sid": "US" + "0" * 32, "identity": "a/b"} | damage]))

    with pytest.raises(UnusableAnswer, match="'a/b' was not found, but"):
        await resolve_by_listing(["a/b"], read_context(transport, "IS" + "0" * 32))
