import pytest

from readstate.simulator.api.lists.page_token import PageToken
from tests.helpers.simulated_api import SimulatedApi


def test_users_are_made_changed_and_deleted_with_their_memberships(api: SimulatedApi) -> None:
    row = api.membership()
    made = api.ask("POST", "/v1/Users", Identity="anna/b", FriendlyName="Anna")
    api.ask("POST", f"{row['links']['conversation']}/Participants", Identity="anna/b")
    listed = api.rows(f"/v1/Users/{made.body['sid']}/Conversations")
    changed = api.ask("POST", f"/v1/Users/{made.body['sid']}", FriendlyName="Anne")
    everybody = [user["sid"] for user in api.rows("/v1/Users?PageSize=9")]
    before = api.get(f"/v1/Users?PageSize=50&PageToken={PageToken(made.body['sid'], backwards=True).write()}&Page=1")

    deleted = api.ask("DELETE", "/v1/Users/anna%2Fb")

    assert made.status == 201
    assert [found["conversation_sid"] for found in listed] == [row["conversation_sid"]]
    assert (changed.body["friendly_name"], changed.body["identity"]) == ("Anne", "anna/b")
    assert made.body["sid"] in everybody
    assert everybody == sorted(everybody)
    assert [user["sid"] for user in before["users"]] == [sid for sid in everybody if sid < made.body["sid"]]
    assert deleted.status == 204
    assert api.ask("GET", f"/v1/Users/{made.body['sid']}").status == 404
    assert api.ask("GET", "/v1/Users/anna%2Fb").status == 404
    assert "anna/b" not in {found["identity"] for found in api.rows(f"{row['links']['conversation']}/Participants")}


@pytest.mark.parametrize(
    ("identity", "code"), [("", 20001), ("x" * 257, 50207), ("US" + "a" * 32, 50206), ("user-0", 50201)]
)
def test_a_user_that_cannot_be_is_refused(api: SimulatedApi, identity: str, code: int) -> None:
    assert api.ask("POST", "/v1/Users", Identity=identity).code == code
