"""A monitoring service hears the start and the end, and can neither delay nor fail the command."""

from time import monotonic

import pytest

from readstate.errors import BadInput
from readstate_jobs.outcome import ping
from readstate_jobs.outcome.outcome import Outcome
from readstate_jobs.outcome.ping import Ping
from tests.helpers.outcomes import outcome
from tests.helpers.ping_server import PingServer


@pytest.mark.parametrize(
    ("ended", "path", "text"),
    [
        (outcome(), "/uuid", "readstate export: exit code 0: done"),
        (outcome(2), "/uuid", "readstate export: exit code 2: done; the plan holds changes"),
        (outcome(3), "/uuid/fail", "readstate export: exit code 3: finished, and some users or rows failed"),
        (
            outcome(15, "the deadline has come", "To resume:  /home/me/readstate"),
            "/uuid/fail",
            "readstate export: exit code 15: the deadline has come",
        ),
    ],
)
def test_the_start_is_sent_and_then_the_end_with_its_exit_code(
    service: PingServer, ended: Outcome, path: str, text: str
) -> None:
    assert Ping(f"{service.url}/uuid/").end(ended) is None

    assert service.pings == [("/uuid/start", ""), (path, text)]


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ping, "WAITS_SECONDS", (0.0, 0.0, 0.0))


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "ftp://x/y", "https://u:p@x/y", "https://x/y?a=b", "x/y", ""]
)
def test_only_plain_addresses_of_the_web_are_pinged(address: str) -> None:
    with pytest.raises(BadInput, match="--ping") as refused:
        Ping(address)

    assert address not in str(refused.value) or not address


def test_a_redirect_is_not_followed(service: PingServer) -> None:
    service.statuses = [302, 302, 302, 302]

    problem = Ping(f"{service.url}/uuid").end(outcome())

    assert problem == "--ping: 127.0.0.1 did not receive the outcome: status 302"
    assert {path for path, _ in service.pings} == {"/uuid/start", "/uuid"}


def test_an_end_that_is_refused_is_sent_again(service: PingServer) -> None:
    service.statuses = [500, 503]

    assert Ping(f"{service.url}/uuid").end(outcome()) is None

    assert [path for path, _ in service.pings] == ["/uuid/start", "/uuid", "/uuid"]


def test_a_service_that_never_answers_delays_nothing(service: PingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ping, "MOST_SECONDS", 0.2)
    service.statuses = [None]
    began = monotonic()

    problem = Ping(f"{service.url}/uuid").end(outcome())

    assert "no answer within" in str(problem)
    assert monotonic() - began < 2


def test_a_service_that_is_not_there_is_named_without_its_path() -> None:
    problem = Ping("http://127.0.0.1:1/secret-uuid").end(outcome())

    assert "127.0.0.1 did not receive the outcome: [Errno 111]" in str(problem)
    assert "secret-uuid" not in str(problem)
