"""A context that reads a simulated API, and a transport that changes some answers."""

from readstate.snapshot.candidates.live_rows import UserTally
from readstate.stop import StopSwitch
from readstate.twilio.client import Reader
from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response
from readstate.twilio.read_context import ReadContext
from tests.helpers.fake_clock import FakeClock
from tests.helpers.planning import SimulatedTransport
from tests.helpers.simulated_api import SimulatedApi


class Lying:
    """A transport that changes the answers whose path ends with *ending*."""

    def __init__(self, simulated: SimulatedApi, ending: str, answer: Response) -> None:
        self._inner, self._ending, self._answer = SimulatedTransport(simulated), ending, answer

    async def send(self, request: Request) -> Response:
        return self._answer if request.path.endswith(self._ending) else await self._inner.send(request)


def context(
    simulated: SimulatedApi, tally: UserTally, transport: SimulatedTransport | Lying | None = None
) -> ReadContext:
    return ReadContext(
        reader=Reader(transport or SimulatedTransport(simulated)),
        service_sid=simulated.service.sid,
        clock=FakeClock(),
        stop=StopSwitch(),
        emit=tally.observe,
        parallel=8,
    )
