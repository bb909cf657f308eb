"""Services and configuration."""

from tests.helpers.simulated_api import SimulatedApi


def test_services_and_configuration_name_the_default_service(api: SimulatedApi) -> None:
    services = api.rows("/v1/Services")
    configuration = api.get("/v1/Configuration")

    assert {service["sid"] for service in services} == {service.sid for service in api.world.services}
    assert configuration["default_chat_service_sid"] == api.service.sid
    assert api.get(services[0]["url"]) == services[0]
