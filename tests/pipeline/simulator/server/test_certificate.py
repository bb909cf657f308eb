"""The simulator serves https, over a real socket, to every transport."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from readstate.errors import BadInput, Unanswered
from readstate.settings.credentials import Credentials
from readstate.settings.settings import Settings
from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.certificate import load_certificate
from readstate.simulator.server.parse_options import parse_options
from readstate.simulator.server.server import RunningSimulator, running
from readstate.simulator.world.world import World
from readstate.twilio.client import Reader
from readstate.twilio.transport.body_budget import BodyBudget
from tests.helpers.certificate import write_certificate
from tests.helpers.transports import READ, TRANSPORTS


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[RunningSimulator]:
    write_certificate(tmp_path / "both.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "both.pem"))
    with running(World(WorldShape(users=60)), tls=load_certificate(tmp_path / "both.pem")) as simulator:
        yield simulator


def _access(simulator: RunningSimulator) -> tuple[Settings, Credentials]:
    account = simulator.credentials
    return Settings(base_url=simulator.base_url), Credentials(None, account.account_sid, account.auth_token)


@pytest.mark.parametrize("name", TRANSPORTS)
async def test_pages_follow_each_other_by_https(name: str, simulator: RunningSimulator) -> None:
    async with TRANSPORTS[name](*_access(simulator), BodyBudget(each=1 << 20)) as transport:
        reader = Reader(transport)
        pages = [page async for page in reader.users(await reader.default_service())]

    assert simulator.base_url.startswith("https://127.0.0.1:")
    assert [len(page.users) for page in pages] == [50, 10]
    assert simulator.counters().connections == 1, "kept alive"


def test_a_client_that_offers_http_2_is_told_what_is_spoken(simulator: RunningSimulator, tmp_path: Path) -> None:
    client = ssl.create_default_context(cafile=tmp_path / "both.pem")
    client.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", int(simulator.base_url.rpartition(":")[2]))) as plain,
        client.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
    ):
        assert secure.selected_alpn_protocol() == "http/1.1"


@pytest.mark.parametrize("name", TRANSPORTS)
@pytest.mark.parametrize("fault", ["reset_before_share", "truncate_share"])
async def test_connections_break_by_https_too(name: str, fault: str, simulator: RunningSimulator) -> None:
    simulator.faults = parse_options(Faults, {fault: 1})
    async with TRANSPORTS[name](*_access(simulator), BodyBudget(each=1 << 20)) as transport:
        with pytest.raises(Unanswered):
            await transport.send(READ)


def test_a_file_without_key_or_certificate_is_refused(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    encrypted = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    write_certificate(tmp_path / "both.pem")
    certificates = (tmp_path / "both.pem").read_bytes().partition(b"-----END EC PRIVATE KEY-----\n")[2]
    contents = {"empty.pem": b"", "no-key.pem": certificates, "encrypted.pem": encrypted + certificates}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)

    for name in (*contents, "missing.pem"):
        with pytest.raises(BadInput, match=f"{name}: not a PEM file with a private key"):
            load_certificate(tmp_path / name)
