from collections.abc import Iterator

import pytest

from tests.helpers.ping_server import PingServer, ping_server


@pytest.fixture
def service() -> Iterator[PingServer]:
    with ping_server() as heard:
        yield heard
