"""What is libcurl's own; what every transport promises is in test_transports and test_transport_failures."""

import math
import ssl

import pycurl
import pytest

from readstate.errors import Unanswered
from readstate.settings.settings import DEFAULT_BASE_URL, Settings
from readstate.twilio.transport.curl_transport import transfer_options
from tests.helpers.raw_server import http, raw_server
from tests.helpers.transports import CREDENTIALS, READ, Open


@pytest.mark.parametrize("transport", ["curl"], indirect=True)
async def test_headers_of_an_interim_answer_are_not_those_of_the_answer(transport: Open) -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nRetry-After: 7\r\n\r\n" + http(Twilio_Request_Id="RQ1")
    async with raw_server(lambda _: interim) as server, transport(server.base_url) as opened:
        answer = await opened.send(READ)

    assert (answer.status, answer.request_id, "retry-after" in answer.headers) == (200, "RQ1", False)
    assert {name.lower() for name in answer.headers} == {"content-length", "twilio-request-id"}
    assert len(answer.headers) == 2


def test_silence_ends_a_request_in_whole_seconds() -> None:
    options = dict(transfer_options(Settings(read_timeout_seconds=0.2), CREDENTIALS))

    assert (options[pycurl.LOW_SPEED_LIMIT], options[pycurl.LOW_SPEED_TIME]) == (1, math.ceil(0.2))


def test_nothing_of_the_machine_is_used_beside_proxy_and_authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    options = dict(transfer_options(Settings(), CREDENTIALS))

    assert options[pycurl.PROXY] == "", "without it libcurl looks for one itself"
    assert options[pycurl.FOLLOWLOCATION] == 0
    assert options[pycurl.PATH_AS_IS] == 1
    assert options[pycurl.PROTOCOLS] == pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS
    assert not {pycurl.NETRC, pycurl.COOKIEFILE, pycurl.COOKIEJAR} & options.keys()


@pytest.mark.parametrize(
    ("file", "used"), [("/all.pem", {pycurl.CAINFO: "/all.pem"}), (None, {pycurl.CAPATH: "/each"})]
)
def test_authorities_are_those_of_python(
    monkeypatch: pytest.MonkeyPatch, file: str | None, used: dict[int, str]
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    paths = ssl.get_default_verify_paths()._replace(cafile=file, capath="/each")  # type: ignore[arg-type]
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)

    options = dict(transfer_options(Settings(base_url=DEFAULT_BASE_URL), CREDENTIALS))

    assert {option: options[option] for option in (pycurl.CAINFO, pycurl.CAPATH) if option in options} == used


@pytest.mark.process
@pytest.mark.parametrize("transport", ["curl"], indirect=True)
async def test_a_server_that_falls_silent_is_given_up(transport: Open) -> None:
    async with (
        raw_server(lambda _: b"HTTP/1.1 ") as server,
        transport(server.base_url, read_timeout_seconds=1) as opened,
    ):
        with pytest.raises(Unanswered, match=r"(?i)too slow"):
            await opened.send(READ)
