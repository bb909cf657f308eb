"""The simulator serves https, over a real socket, to every transport."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from readstate.errors import BadInput
from readstate.settings.credentials import Credentials
from readstate.settings.settings import Settings
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.certificate import load_certificate
from readstate.simulator.server.server import running
from readstate.simulator.world.world import World
from readstate.twilio.client import Reader
from readstate.twilio.http.body_budget import BodyBudget
from readstate.twilio.http.http_version import chosen_http_version
from tests.helpers.certificate import write_certificate
from tests.helpers.transports import READ, TRANSPORTS


@pytest.mark.parametrize("name", TRANSPORTS)
async def test_pages_follow_each_other_by_https(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_certificate(tmp_path / "both.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "both.pem"))
    with running(World(WorldShape(users=60)), tls=load_certificate(tmp_path / "both.pem")) as simulator:
        account = simulator.credentials
        credentials = Credentials(account.account_sid, account.account_sid, account.auth_token)
        settings = Settings(base_url=simulator.base_url)
        async with TRANSPORTS[name](settings, credentials, BodyBudget(each=1 << 20)) as transport:
            reader = Reader(transport)
            pages = [page async for page in reader.users(await reader.default_service())]
        version = await chosen_http_version(settings, credentials, READ)
        connections = simulator.counters().connections

    assert simulator.base_url.startswith("https://127.0.0.1:")
    assert [len(page.users) for page in pages] == [50, 10]
    assert version == "HTTP/1.1", "what the connection can parse, although HTTP/2 was offered"
    assert connections == 2, "one kept alive for the lists, one to ask for the version"


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
