"""Proxies and certificate authorities of the environment, on every transport."""

import ssl
from pathlib import Path

import pytest
import trustme

from readstate.errors import BadInput, NotSent
from readstate.twilio.transport.connecting import authorities_file, proxy_for
from tests.helpers.connect_proxy import connect_proxy
from tests.helpers.raw_server import http, raw_server
from tests.helpers.transports import READ, SECRET, Open

AUTHORITIES = ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"]


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in AUTHORITIES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def private_authority(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ssl.SSLContext:
    """An authority that a variable names, and the server side of its certificate."""
    authority, server = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return server


async def test_a_companys_own_authority_is_trusted_where_a_variable_names_it(
    transport: Open, private_authority: ssl.SSLContext
) -> None:
    async with raw_server(lambda _: http(), tls=private_authority) as server, transport(server.base_url) as opened:
        statuses = [(await opened.send(READ)).status for _ in range(3)]

    assert statuses == [200] * 3
    assert server.connections == 1, "a session ticket that waits is not an answer that nobody asked for"


@pytest.mark.parametrize("name", AUTHORITIES)
def test_a_file_of_authorities_that_is_none_is_told_by_its_variable(tmp_path: Path, name: str) -> None:
    (tmp_path / "no.pem").write_text("no certificate")

    for path in (tmp_path / "no.pem", tmp_path / "missing.pem"):
        with pytest.raises(BadInput, match=f"{name}={path}: not a file of certificate authorities"):
            authorities_file({name: str(path)})


async def test_requests_go_through_the_proxy_which_sees_no_secret(
    transport: Open, private_authority: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connect_proxy() as proxy, raw_server(lambda _: http(), tls=private_authority) as server:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        async with transport(server.base_url) as opened:
            assert (await opened.send(READ)).status == 200

    (head,) = proxy.heads
    assert head.startswith(f"CONNECT {server.base_url.removeprefix('https://')} ")
    assert "authorization" not in head.lower()
    assert SECRET not in head


@pytest.mark.parametrize("scheme", ["http://", ""])
async def test_plain_http_goes_through_its_own_proxy(
    transport: Open, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    async with connect_proxy() as proxy, raw_server(lambda _: http()) as server:
        monkeypatch.setenv("http_proxy", scheme + proxy.url.removeprefix("http://"))
        async with transport(server.base_url) as opened:
            assert (await opened.send(READ)).status == 200

    assert len(proxy.heads) == 1


async def test_what_no_proxy_excludes_is_the_same_for_both(transport: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.0/8")  # understood by libcurl alone
    async with connect_proxy() as proxy, raw_server(lambda _: http()) as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        async with transport(server.base_url) as opened:
            await opened.send(READ)

    assert len(proxy.heads) == 1


async def test_no_proxy_excludes_a_host(transport: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    async with raw_server(lambda _: http()) as server, transport(server.base_url) as opened:
        assert (await opened.send(READ)).status == 200


async def test_a_proxy_that_cannot_be_reached_is_a_failed_connection(
    transport: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://user:hunter2@127.0.0.1:1")
    async with transport("https://conversations.invalid") as opened:
        with pytest.raises(NotSent) as raised:
            await opened.send(READ)

    assert "cannot connect to https://conversations.invalid through the proxy 127.0.0.1:1: " in str(raised.value)
    assert "hunter2" not in str(raised.value)


async def test_a_proxy_of_unknown_name_is_named(transport: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.invalid:3128")
    async with transport("https://127.0.0.1") as opened:
        with pytest.raises(NotSent, match=r"through the proxy proxy\.invalid:3128: the host name cannot be resolved"):
            await opened.send(READ)


@pytest.mark.parametrize("address", ["http://", "user:hunter2@", "http://proxy:99999", "http://proxy:http"])
def test_what_is_no_address_of_a_proxy_is_told_by_its_variable(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("https_proxy", address)

    with pytest.raises(BadInput, match=r"^HTTPS_PROXY: not the address of a proxy\n"):
        proxy_for("https://conversations.twilio.com")


def test_a_proxy_is_named_by_the_scheme_of_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", "localhost,.internal")

    assert proxy_for("https://conversations.twilio.com") == "http://proxy:3128"
    assert proxy_for("http://conversations.twilio.com") is None
    assert proxy_for("https://simulator.internal") is None
