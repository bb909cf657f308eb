"""Which version of HTTP is spoken is what the server chose in the TLS handshake."""

import ssl
from pathlib import Path

import pytest
import trustme

from readstate.errors import Unanswered
from readstate.settings.settings import Settings
from readstate.twilio.transport.http_version import chosen_http_version
from tests.helpers.raw_server import http, raw_server
from tests.helpers.transports import CREDENTIALS, READ

SETTINGS_FRAME = bytes.fromhex("000000040000000000")
STATUS_200 = bytes.fromhex("00000101050000000188")
"""A frame of headers that ends stream 1: `:status: 200` from the static table."""


@pytest.mark.parametrize(
    ("offered", "answers", "chosen"),
    [
        (["h2", "http/1.1"], [SETTINGS_FRAME, STATUS_200], "HTTP/2"),
        (["http/1.1"], [http()], "HTTP/1.1"),
        ([], [http()], "HTTP/1.1"),
    ],
)
async def test_the_server_chooses(
    offered: list[str], answers: list[bytes], chosen: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority, server = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))  # the first variable that counts
    if offered:
        server.set_alpn_protocols(offered)

    # An HTTP/2 client begins with a preface of two parts that look like heads of HTTP/1.1.
    async with raw_server(lambda number: answers[number], tls=server) as twilio:
        assert await chosen_http_version(Settings(base_url=twilio.base_url), CREDENTIALS, READ) == chosen


async def test_no_answer_is_an_error_of_the_transport() -> None:
    with pytest.raises(Unanswered, match="GET /v1/Configuration"):
        await chosen_http_version(Settings(base_url="https://127.0.0.1:1"), CREDENTIALS, READ)
