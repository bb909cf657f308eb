import pytest

from tests.helpers.simulated_api import SimulatedApi


@pytest.mark.parametrize(
    "path",
    [
        "/v1/Users/nobody/Conversations",
        "/v1/Users/nobody/Conversations/CH" + "0" * 32,
        "/v1/Users/user-0/Conversations/CH" + "0" * 32,
        "/v1/Services/IS" + "0" * 32 + "/Users",
        "/v1/Nothing",
        "/v2/Users",
        "/",
        "/v1/Users/",
        "/v1/Users/user-0/Conversations/",
        "/v1/Users/user-0/Conversations/CH/Participants",
    ],
)
def test_what_does_not_exist_is_404_and_names_the_path(api: SimulatedApi, path: str) -> None:
    reply = api.ask("GET", path)

    assert (reply.status, reply.code) == (404, 20404)
    assert reply.body["message"] == f"The requested resource {path} was not found"
    assert list(reply.body) == ["code", "message", "more_info", "status"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_method_that_the_path_does_not_know_is_405(api: SimulatedApi, method: str) -> None:
    assert api.ask(method, "/v1/Users/user-0/Conversations").code == 20004


def test_dots_in_a_path_are_walked_but_encoded_dots_are_a_name(api: SimulatedApi) -> None:
    dots = api.service.find_user("..")
    assert dots is not None

    assert api.get("/v1/Users/../Users")["meta"]["key"] == "users"
    assert api.get("/v1/./Users")["meta"]["key"] == "users"
    assert api.get("/v1/Users/%2E%2E")["sid"] == dots.sid
    assert api.ask("GET", "/..").status == 404
