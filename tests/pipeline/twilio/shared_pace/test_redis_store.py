"""The ledger in Redis: against a server of the machine's, where there is one."""

import asyncio
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest
from redis.asyncio import Redis

from readstate.twilio.shared_pace.ledger import Ledger, leave, take_turn
from readstate.twilio.shared_pace.ledger_store import LedgerUnavailable
from readstate.twilio.shared_pace.redis_store import RedisStore
from tests.helpers.ledgers import member_report, read

needs_server = pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("redis")
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
async def store(url: str) -> AsyncIterator[RedisStore]:
    redis = Redis.from_url(url)
    await redis.flushall()
    await redis.aclose()
    store = RedisStore(url, "account")
    yield store
    await store.close()


@needs_server
async def test_what_one_wrote_the_next_one_reads(store: RedisStore, url: str) -> None:
    other = RedisStore(url, "account")
    await store.update(partial(take_turn, member_report("one")))

    result = await other.update(partial(take_turn, member_report("two")))
    await other.close()

    assert result.members == 2


@needs_server
async def test_two_accounts_never_mix(store: RedisStore, url: str) -> None:
    other = RedisStore(url, "another")
    await store.update(partial(take_turn, member_report("one")))

    assert (await other.update(partial(take_turn, member_report("two")))).members == 1

    await other.close()


@needs_server
async def test_a_member_that_leaves_is_removed(store: RedisStore) -> None:
    await store.update(partial(take_turn, member_report("one")))
    await store.update(partial(leave, "one"))

    assert (await store.update(read)).members == {}


@needs_server
async def test_the_time_is_the_servers_and_what_is_left_behind_vanishes(store: RedisStore, url: str) -> None:
    ledger = (await store.update(partial(take_turn, member_report())), await store.update(read))[1]
    async with Redis.from_url(url) as redis:
        seconds, _ = await redis.time()
        left = await redis.pttl("readstate:pace:account")

    assert abs(ledger.members["one"].seen_at - seconds) < 5
    assert 0 < left <= 60_000


@needs_server
async def test_many_at_once_lose_nothing(store: RedisStore, url: str) -> None:
    def counted(ledger: Ledger, now: float) -> tuple[Ledger, int]:
        number = int(ledger.paused_until.get("count", 0)) + 1
        return Ledger(paused_until={"count": number}), number

    stores = [RedisStore(url, "account") for _ in range(8)]
    numbers = await asyncio.gather(*(one.update(counted) for one in stores for _ in range(1)))
    for one in stores:
        await one.close()

    assert sorted(numbers) == list(range(1, 9))


@needs_server
async def test_what_is_no_ledger_counts_as_nothing(store: RedisStore, url: str) -> None:
    async with Redis.from_url(url) as redis:
        await redis.set("readstate:pace:account", b"\xff{")

    assert (await store.update(partial(take_turn, member_report()))).members == 1


@needs_server
async def test_a_turn_can_be_cancelled_at_any_moment(store: RedisStore) -> None:
    async def take_turns() -> None:
        while True:
            await store.update(partial(take_turn, member_report()))

    for step in range(60):
        turns = asyncio.create_task(take_turns())
        for _ in range(step):
            await asyncio.sleep(0)
        turns.cancel()
        done, _ = await asyncio.wait([turns], timeout=5)

        assert done, "the cancellation was lost"


@needs_server
async def test_a_wrong_password_is_a_loss_that_does_not_tell_it(url: str) -> None:
    store = RedisStore(url.replace("sesame", "open-says-me"), "account")

    with pytest.raises(LedgerUnavailable) as lost:
        await store.update(read)
    await store.close()

    assert "open-says-me" not in str(lost.value)


async def test_a_server_that_is_not_there_is_a_loss() -> None:
    store = RedisStore(f"redis://127.0.0.1:{free_port()}", "account")

    with pytest.raises(LedgerUnavailable, match="connect"):
        await store.update(read)
    await store.close()
