"""The ledger in a file."""
# ruff: noqa: ASYNC220, ASYNC240 - small files on this machine, and a process that is waited for anyway

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from readstate.clock import SystemClock
from readstate.twilio.shared_pace.file_store import FileStore
from readstate.twilio.shared_pace.ledger import (
    LEASE_SECONDS,
    Ledger,
    leave,
    take_turn,
)
from readstate.twilio.shared_pace.ledger_store import LedgerUnavailable
from tests.helpers.fake_clock import FakeClock
from tests.helpers.ledgers import member_report, read

HOLDS_THE_LOCK = """
import fcntl, os, sys, time
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(file, fcntl.LOCK_EX)
print("locked", flush=True)
time.sleep(60)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pace"


async def test_what_one_wrote_the_next_one_reads(path: Path) -> None:
    clock = FakeClock()
    await FileStore(path, "account", clock).update(partial(take_turn, member_report("one")))

    result = await FileStore(path, "account", clock).update(partial(take_turn, member_report("two")))

    assert result.members == 2
    assert path.stat().st_mode & 0o777 == 0o600


async def test_two_accounts_never_mix(path: Path) -> None:
    clock = FakeClock()
    await FileStore(path, "one account", clock).update(partial(take_turn, member_report("one")))

    assert (await FileStore(path, "another", clock).update(partial(take_turn, member_report("two")))).members == 1


async def test_accounts_without_a_live_member_are_removed(path: Path) -> None:
    clock = FakeClock()
    await FileStore(path, "old", clock).update(partial(take_turn, member_report()))
    clock.advance(LEASE_SECONDS + 1)
    await FileStore(path, "new", clock).update(partial(take_turn, member_report()))

    assert b'"old"' not in path.read_bytes()


async def test_the_last_to_leave_leaves_nothing(path: Path) -> None:
    store = FileStore(path, "account", FakeClock())
    await store.update(partial(take_turn, member_report()))
    await store.update(partial(leave, "one"))
    await store.close()

    assert path.read_bytes() == b"{}\n"


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\x00\xff", b"[]", b'{"account": 7}\n', b'{"account": {"members": [1]}}']
)
async def test_what_is_no_ledger_counts_as_nothing(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    store = FileStore(path, "account", FakeClock())

    assert await store.update(read) == Ledger()
    assert (await store.update(partial(take_turn, member_report()))).members == 1


async def test_what_an_earlier_longer_line_left_behind_is_not_read(path: Path) -> None:
    path.write_bytes(b'{}\n"left of an earlier line"}}\n')

    assert await FileStore(path, "account", FakeClock()).update(read) == Ledger()


async def test_a_lock_that_is_held_for_long_is_a_loss_and_not_a_wait(path: Path) -> None:
    file = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(file, fcntl.LOCK_EX)
    clock = FakeClock()

    with pytest.raises(LedgerUnavailable, match="locked"):
        await FileStore(path, "account", clock).update(read)

    assert sum(clock.slept) <= 1
    os.close(file)
    assert await FileStore(path, "account", clock).update(read) == Ledger()


async def test_the_lock_of_a_killed_process_is_free(path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDS_THE_LOCK, str(path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"locked\n"

    holder.send_signal(signal.SIGKILL)
    holder.communicate()

    assert await FileStore(path, "account", FakeClock()).update(read) == Ledger()


@pytest.mark.parametrize("place", ["missing/pace", "."])
async def test_a_place_that_cannot_be_written_is_a_loss(tmp_path: Path, place: str) -> None:
    with pytest.raises(LedgerUnavailable, match=r"No such file|directory"):
        await FileStore(tmp_path / place, "account", FakeClock()).update(read)


async def test_many_at_once_lose_nothing(path: Path) -> None:
    def counted(ledger: Ledger, now: float) -> tuple[Ledger, int]:
        number = int(ledger.paused_until.get("count", 0)) + 1
        after, _ = take_turn(member_report(), ledger, now)
        return Ledger(after.epoch, after.members, after.limits, {"count": number}), number

    clock = SystemClock()
    numbers = await asyncio.gather(*(FileStore(path, "account", clock).update(counted) for _ in range(50)))

    assert sorted(numbers) == list(range(1, 51))
