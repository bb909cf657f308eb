"""A Redis server of this machine's, where there is one."""

import shutil
import subprocess
from collections.abc import Iterator

import pytest
from redis import Redis


@pytest.fixture(scope="session")
def _redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    folder = tmp_path_factory.mktemp("redis")
    path = folder / "socket"
    command = ["redis-server", "--port", "0", "--unixsocket", str(path), "--save", "", "--requirepass", "sesame"]
    server = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    while "ready to accept" not in (line := server.stdout.readline()).lower():
        assert line, "redis-server ended"
    yield f"unix://:sesame@{path}"
    server.terminate()
    server.communicate()


@pytest.fixture
def redis_url(_redis_url: str) -> str:
    """An empty Redis."""
    with Redis.from_url(_redis_url) as redis:
        redis.flushall()
    return _redis_url
