"""Each test of a transport runs once on each."""

from contextlib import AbstractAsyncContextManager

import pytest

from readstate.settings.settings import DEFAULT_BASE_URL, Settings
from readstate.twilio.transport.body_budget import BodyBudget
from readstate.twilio.transport.transport import Transport
from tests.helpers.transports import CREDENTIALS, TRANSPORTS, Open


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> Open:
    open_transport = TRANSPORTS[request.param]

    def opened(
        base_url: str = DEFAULT_BASE_URL, bodies: BodyBudget | None = None, **changed: float
    ) -> AbstractAsyncContextManager[Transport]:
        settings = Settings(base_url=base_url, **changed)  # type: ignore[arg-type]
        bodies = bodies or BodyBudget(each=settings.max_body_megabytes << 20)
        return open_transport(settings, CREDENTIALS, bodies)

    return opened
