"""The ledger in a file."""
# ruff: noqa: ASYNC240 - small files on this machine

import fcntl
import os
from functools import partial
from pathlib import Path

import pytest

from readstate.twilio.shared_pace.file_store import FileStore
from readstate.twilio.shared_pace.ledger import LEASE_SECONDS, Ledger, leave, take_turn
from readstate.twilio.shared_pace.ledger_store import LedgerUnavailable
from tests.helpers.fake_clock import FakeClock
from tests.helpers.ledgers import member_report, read


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pace"


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


async def test_only_its_owner_may_read_it(path: Path) -> None:
    await FileStore(path, "account", FakeClock()).update(read)

    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\x00\xff", b"[]", b'{"account": 7}\n', b'{"account": {"members": [1]}}', b'{"acc\xffount": {}}'],
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


@pytest.mark.parametrize("place", ["missing/pace", "."])
async def test_a_place_that_cannot_be_written_is_a_loss(tmp_path: Path, place: str) -> None:
    with pytest.raises(LedgerUnavailable, match=r"No such file|directory"):
        await FileStore(tmp_path / place, "account", FakeClock()).update(read)
