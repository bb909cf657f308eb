"""From identities to SIDs, however odd the identity."""

import pytest

from readstate.changes.current_state.identities import resolve_identities
from readstate.errors import UnusableAnswer
from readstate.events import ignore
from readstate.simulator.seed.world_shape import WorldShape
from readstate.stop import StopSwitch
from readstate.twilio.client import Reader
from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response
from readstate.twilio.read_context import ReadContext
from tests.helpers.fake_clock import FakeClock
from tests.helpers.planning import SimulatedTransport
from tests.helpers.simulated_api import SimulatedApi


def context(simulated: SimulatedApi, reader: Reader) -> ReadContext:
    return ReadContext(
        reader=reader, service_sid=simulated.service.sid, clock=FakeClock(), stop=StopSwitch(), emit=ignore, parallel=4
    )  # fmt: skip


@pytest.mark.parametrize("slash", ["identity", "separator"])
async def test_every_identity_is_found_whatever_the_server_makes_of_its_signs(slash: str) -> None:
    simulated = SimulatedApi(WorldShape(users=120, odd_identities=0.9), encoded_slash=slash)
    expected = {user.identity: user.sid for user in simulated.service.users() if "\t" not in user.identity}

    found = await resolve_identities(
        [*expected, "nobody", "no/body"], context(simulated, Reader(SimulatedTransport(simulated)))
    )

    assert found == expected


async def test_a_plain_identity_costs_one_request() -> None:
    simulated = SimulatedApi(WorldShape(users=120, odd_identities=0))
    transport = SimulatedTransport(simulated)

    await resolve_identities(["user-1", "user-2"], context(simulated, Reader(transport)))

    assert len(transport.sent) == 2


async def test_an_answer_about_another_user_is_not_believed() -> None:
    simulated = SimulatedApi(WorldShape(users=10, odd_identities=0))

    class Confused:
        async def send(self, request: Request) -> Response:
            return Response(200, {}, b'{"sid": "US%s", "identity": "bob"}' % (b"0" * 32))

    with pytest.raises(UnusableAnswer, match="another user"):
        await resolve_identities(["ann"], context(simulated, Reader(Confused())))
