"""A context that reads a simulated API and counts users."""

from readstate.snapshot.candidates.live_rows import UserTally
from readstate.twilio.http.response import Response
from readstate.twilio.read_context import ReadContext
from tests.helpers.planning import SimulatedTransport, read_context
from tests.helpers.simulated_api import SimulatedApi


def context(simulated: SimulatedApi, tally: UserTally, failing: dict[str, int | Response] | None = None) -> ReadContext:
    transport = SimulatedTransport(simulated, failing=failing or {})
    return read_context(transport, simulated.service.sid, emit=tally.observe, parallel=8)
