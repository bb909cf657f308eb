import pytest

from readstate.simulator.api.credentials import Credentials
from tests.helpers.simulated_api import AUTHORIZATION, SimulatedApi


@pytest.mark.parametrize("authorization", [b"", b"Basic !!!", b"Bearer nobody", AUTHORIZATION[:-2]])
def test_wrong_credentials_are_401(api: SimulatedApi, authorization: bytes) -> None:
    reply = api.ask("GET", "/v1/Users", authorization=authorization)

    assert (reply.status, reply.code, reply.body["message"]) == (401, 20003, "Authenticate")


def test_every_kind_of_credential_is_good_and_a_restricted_key_only_reads(api: SimulatedApi) -> None:
    row = api.membership()
    by_permission = {permission: header for header, permission in Credentials().permissions().items()}

    for header in Credentials().permissions():
        assert api.ask("GET", "/v1/Users", authorization=header).status == 200
    refused = api.ask("DELETE", row["url"], authorization=by_permission["read"])

    assert (refused.status, refused.code) == (403, 70051)
    assert api.get(row["url"]) == row


def test_a_suspended_account_and_a_region_without_conversations_are_refused(api: SimulatedApi) -> None:
    api.faults(suspended=True)
    suspended = api.ask("GET", "/v1/Users")
    api.faults(region_disabled=True)
    elsewhere = api.ask("GET", "/v1/Users")

    assert (suspended.status, suspended.code) == (401, 20003)
    assert (elsewhere.status, elsewhere.code) == (403, 50385)
