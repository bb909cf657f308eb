"""What every store of the ledger promises, on each of them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest

from readstate.clock import SystemClock
from readstate.twilio.shared_pace.file_store import FileStore
from readstate.twilio.shared_pace.ledger import Ledger, leave, take_turn
from readstate.twilio.shared_pace.ledger_store import LedgerStore
from readstate.twilio.shared_pace.redis_store import RedisStore
from tests.helpers.ledgers import member_report, read

Open = Callable[[str], LedgerStore]


@pytest.fixture(params=["file", "redis"])
async def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Open]:
    """Open the store of an account, as each process does for itself."""
    url = request.getfixturevalue("redis_url") if request.param == "redis" else None
    async with AsyncExitStack() as opened:

        def open_one(account: str) -> LedgerStore:
            store = FileStore(tmp_path / "pace", account, SystemClock()) if url is None else RedisStore(url, account)
            opened.push_async_callback(store.close)
            return store

        yield open_one


async def test_processes_of_one_account_meet_and_two_accounts_do_not(open_store: Open) -> None:
    await open_store("account").update(partial(take_turn, member_report("one")))

    met = await open_store("account").update(partial(take_turn, member_report("two")))
    alone = await open_store("another").update(partial(take_turn, member_report("three")))

    assert (met.members, alone.members) == (2, 1)


async def test_a_member_that_leaves_is_removed(open_store: Open) -> None:
    store = open_store("account")
    await store.update(partial(take_turn, member_report("one")))
    await store.update(partial(leave, "one"))

    assert (await store.update(read)).members == {}


async def test_many_at_once_lose_nothing(open_store: Open) -> None:
    def counted(ledger: Ledger, now: float) -> tuple[Ledger, int]:
        number = int(ledger.paused_until.get("count", 0)) + 1
        after, _ = take_turn(member_report(), ledger, now)
        return Ledger(after.epoch, after.members, after.limits, {"count": number}), number

    numbers = await asyncio.gather(*(open_store("account").update(counted) for _ in range(20)))

    assert sorted(numbers) == list(range(1, 21))
