import pytest

from tests.helpers.simulated_api import SimulatedApi


def test_services_and_configuration_name_the_default_service(api: SimulatedApi) -> None:
    services = api.rows("/v1/Services")
    configuration = api.get("/v1/Configuration")

    assert {service["sid"] for service in services} == {service.sid for service in api.world.services}
    assert configuration["default_chat_service_sid"] == api.service.sid
    assert api.get(services[0]["url"]) == services[0]


def test_a_service_is_made_used_and_deleted(api: SimulatedApi) -> None:
    made = api.ask("POST", "/v1/Services", FriendlyName="Extra")
    url = made.body["url"]
    user = api.ask("POST", f"{url}/Users", Identity="anna").body
    listed = {service["sid"] for service in api.rows("/v1/Services")}

    deleted = api.ask("DELETE", url)

    assert (made.status, made.body["friendly_name"]) == (201, "Extra")
    assert user["chat_service_sid"] == made.body["sid"]
    assert made.body["sid"] in listed
    assert deleted.status == 204
    assert [api.ask("GET", gone).status for gone in (url, user["url"], f"{url}/Users")] == [404] * 3
    assert {service["sid"] for service in api.rows("/v1/Services")} == listed - {made.body["sid"]}


@pytest.mark.parametrize("name", ["", "x" * 257])
def test_a_service_without_a_proper_name_is_refused(api: SimulatedApi, name: str) -> None:
    assert api.ask("POST", "/v1/Services", FriendlyName=name).code == 20001


def test_the_default_service_can_be_changed_and_is_never_deleted(api: SimulatedApi) -> None:
    first, second = api.world.services
    refused = api.ask("DELETE", f"/v1/Services/{first.sid}")

    changed = api.ask("POST", "/v1/Configuration", DefaultChatServiceSid=second.sid, DefaultClosedTimer="P1DT2H")

    assert refused.status == 400
    assert changed.body["default_chat_service_sid"] == second.sid
    assert changed.body["default_closed_timer"] == "P1DT2H"
    assert api.get("/v1/Configuration") == changed.body
    assert {user["chat_service_sid"] for user in api.rows("/v1/Users")} == {second.sid}
    assert api.ask("DELETE", f"/v1/Services/{first.sid}").status == 204


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DefaultChatServiceSid", "IS" + "0" * 32),
        ("DefaultMessagingServiceSid", "MG1"),
        ("DefaultInactiveTimer", "10 minutes"),
        ("DefaultClosedTimer", "P"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(api: SimulatedApi, name: str, value: str) -> None:
    assert api.ask("POST", "/v1/Configuration", **{name: value}).code == 20001
    assert api.world.log.effects == []


def test_a_service_has_its_own_configuration(api: SimulatedApi) -> None:
    sid = api.world.services[1].sid

    configuration = api.get(f"/v1/Services/{sid}/Configuration")

    assert configuration["chat_service_sid"] == sid
    assert (
        api.get("/v1/Configuration")["links"]["service"]
        == f"http://127.0.0.1/v1/Services/{api.service.sid}/Configuration"
    )
