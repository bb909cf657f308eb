"""Services and configuration."""

import pytest

from tests.helpers.simulated_api import SimulatedApi


@pytest.fixture
def desk() -> SimulatedApi:
    return SimulatedApi()


def test_services_and_configuration_name_the_default_service(desk: SimulatedApi) -> None:
    services = desk.rows("/v1/Services")
    configuration = desk.get("/v1/Configuration")

    assert {service["sid"] for service in services} == {service.sid for service in desk.world.services}
    assert configuration["default_chat_service_sid"] == desk.service.sid
    assert desk.get(services[0]["url"]) == services[0]
