"""The ledger in Redis: against a server of this machine's, where there is one."""

import asyncio
import socket
from functools import partial

import pytest
from redis.asyncio import Redis

from readstate.twilio.shared_pace.ledger import take_turn
from readstate.twilio.shared_pace.ledger_store import LedgerUnavailable
from readstate.twilio.shared_pace.redis_store import RedisStore
from tests.helpers.ledgers import member_report, read

KEY = "readstate:pace:account"


async def test_the_time_is_the_servers_and_what_is_left_behind_vanishes(redis_url: str) -> None:
    store = RedisStore(redis_url, "account")
    await store.update(partial(take_turn, member_report("one")))
    ledger = await store.update(read)
    await store.close()

    async with Redis.from_url(redis_url) as redis:
        seconds, _ = await redis.time()
        assert abs(ledger.members["one"].seen_at - seconds) < 5
        assert 0 < await redis.pttl(KEY) <= 60_000


async def test_what_is_no_ledger_counts_as_nothing(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as redis:
        await redis.set(KEY, b"\xff{")
    store = RedisStore(redis_url, "account")

    assert (await store.update(partial(take_turn, member_report()))).members == 1
    await store.close()


async def test_a_turn_can_be_cancelled_at_any_moment(redis_url: str) -> None:
    store = RedisStore(redis_url, "account")

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
    await store.close()


async def test_a_wrong_password_is_a_loss_that_does_not_tell_it(redis_url: str) -> None:
    store = RedisStore(redis_url.replace("sesame", "open-says-me"), "account")

    with pytest.raises(LedgerUnavailable) as lost:
        await store.update(read)
    await store.close()

    assert "open-says-me" not in str(lost.value)


async def test_a_server_that_is_not_there_is_a_loss() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        store = RedisStore(f"redis://127.0.0.1:{free.getsockname()[1]}", "account")

        with pytest.raises(LedgerUnavailable, match="connect"):
            await store.update(read)
    await store.close()
