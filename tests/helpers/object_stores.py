"""Object stores on loopback that speak the real protocols: moto for S3, azurite for Azure where it is installed."""

import base64
import hashlib
import hmac
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Self
from uuid import uuid4

AZURITE = shutil.which("azurite-blob") or os.environ.get("AZURITE_BLOB")
_ACCOUNT = "devstoreaccount1"
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Not a secret: every azurite has it."""


@dataclass(frozen=True)
class StoreServer:
    """A running store."""

    scheme: str
    endpoint: str
    environment: dict[str, str]
    """Variables that point a client to it."""

    def new_root(self) -> str:
        """Create a bucket and return a root in it."""
        bucket = f"bucket-{uuid4().hex[:12]}"
        if self.scheme == "s3":
            self.client().create_bucket(Bucket=bucket)
        else:
            _make_container(self.endpoint, bucket)
        return f"{self.scheme}://{bucket}/some/root"

    def client(self):  # type: ignore[no-untyped-def]
        """Return AWS's own client, for changes without the product."""
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


def s3_environment(endpoint: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }


@contextmanager
def moto() -> Iterator[StoreServer]:
    command = [sys.executable, str(Path(__file__).with_name("moto_server.py"))]
    with _running(command, re.compile(r"Running on (http://127\.0\.0\.1:\d+)")) as endpoint:
        yield StoreServer("s3", endpoint, s3_environment(endpoint))


@contextmanager
def azurite() -> Iterator[StoreServer]:
    assert AZURITE is not None
    command = [AZURITE, "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--blobPort", "0"]
    with _running(command, re.compile(r"successfully listens on (http://127\.0\.0\.1:\d+)")) as address:
        endpoint = f"{address}/{_ACCOUNT}"
        environment = {
            "AZURE_STORAGE_ENDPOINT": endpoint,
            "AZURE_STORAGE_ACCOUNT_NAME": _ACCOUNT,
            "AZURE_STORAGE_ACCOUNT_KEY": _KEY,
        }
        yield StoreServer("abfs", endpoint, environment)


@contextmanager
def _running(command: list[str], where: re.Pattern[str]) -> Iterator[str]:
    """Start a server and yield the address that it prints."""
    server = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert server.stdout is not None
    try:
        lines = iter(server.stdout.readline, "")
        address = next((found[1] for line in lines if (found := where.search(line))), None)
        assert address is not None, f"{command[0]} did not start"
        threading.Thread(target=_drain, args=(server.stdout,), daemon=True).start()
        yield address
    finally:
        server.kill()
        server.wait()


def _drain(stream: IO[str]) -> None:
    with suppress(ValueError):  # closed
        for _ in stream:
            pass


def _make_container(endpoint: str, name: str) -> None:
    now = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    headers = {"x-ms-date": now, "x-ms-version": "2021-08-06", "Content-Type": ""}
    signed = (
        f"PUT{chr(10) * 12}x-ms-date:{now}\nx-ms-version:2021-08-06\n/{_ACCOUNT}/{_ACCOUNT}/{name}\nrestype:container"
    )
    digest = hmac.new(base64.b64decode(_KEY), signed.encode(), hashlib.sha256).digest()
    headers["Authorization"] = f"SharedKey {_ACCOUNT}:{base64.b64encode(digest).decode()}"
    request = urllib.request.Request(f"{endpoint}/{name}?restype=container", data=b"", headers=headers, method="PUT")
    with urllib.request.urlopen(request):
        pass


class CuttingProxy:
    """A proxy that cuts every connection after *most_bytes* from the client."""

    def __init__(self, endpoint: str, *, most_bytes: int) -> None:
        host, port = endpoint.removeprefix("http://").split(":")
        self._server = (host, int(port))
        self._most_bytes = most_bytes
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.cuts = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                server = socket.create_connection(self._server)
                threading.Thread(target=self._upstream, args=(client, server), daemon=True).start()
                threading.Thread(target=_copy, args=(server, client), daemon=True).start()

    def _upstream(self, client: socket.socket, server: socket.socket) -> None:
        left = self._most_bytes
        with suppress(OSError):
            while chunk := client.recv(1 << 16):
                left -= len(chunk)
                if left < 0:
                    self.cuts += 1
                    break
                server.sendall(chunk)
        _hang_up(client, server)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(1 << 16):
            target.sendall(chunk)
    _hang_up(source, target)


def _hang_up(*sockets: socket.socket) -> None:
    for one in sockets:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
