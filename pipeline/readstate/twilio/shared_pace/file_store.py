"""The ledger in a file that the processes of one machine share.

The file is one line of JSON with a ledger for each account. A change holds the file's lock, which the system releases
when a process dies. A file with any other content counts as empty: then each process reports all that it holds.
"""

import os
from pathlib import Path

import msgspec

from readstate.clock import Clock
from readstate.disk.locks import try_lock
from readstate.foreign_json import UnusableJson, decode_json
from readstate.twilio.shared_pace.ledger import Ledger, is_alive
from readstate.twilio.shared_pace.ledger_store import Change, LedgerUnavailable, T

_TRIES = 100
_TRY_SECONDS = 0.005
_MOST_BYTES = 1 << 20


class FileStore:
    """Stores the ledger of *account* in *path*; *clock* is monotonic, and the same for all processes of a machine."""

    def __init__(self, path: Path, account: str, clock: Clock) -> None:
        self._path = path
        self._account = account
        self._clock = clock

    async def update(self, change: Change[T]) -> T:
        """Lock, read, change, write, unlock. Raises `LedgerUnavailable`."""
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                await self._lock(file)
                return self._change(file, change)
            finally:
                os.close(file)  # and with it the lock
        except OSError as error:
            raise LedgerUnavailable(error.strerror or str(error)) from error

    async def close(self) -> None:
        """Do nothing: no file is open between updates."""

    async def _lock(self, file: int) -> None:
        for _ in range(_TRIES):
            if try_lock(file):
                return
            await self._clock.sleep(_TRY_SECONDS)
        raise LedgerUnavailable("another process keeps it locked")

    def _change(self, file: int, change: Change[T]) -> T:
        now = self._clock.monotonic()
        ledgers = _parsed(os.pread(file, _MOST_BYTES, 0))
        mine, result = change(ledgers.get(self._account, Ledger()), now)
        ledgers[self._account] = mine
        kept = {account: ledger for account, ledger in ledgers.items() if is_alive(ledger, now)}
        line = msgspec.json.encode(kept) + b"\n"
        # One write of a few kilobytes, so that a kill leaves the old line or the new one; the rest of a longer old
        # line is not read, and truncated only for tidiness.
        os.pwrite(file, line, 0)
        os.ftruncate(file, len(line))
        return result


def _parsed(content: bytes) -> dict[str, Ledger]:
    try:
        return decode_json(content.partition(b"\n")[0], dict[str, Ledger])
    except UnusableJson:
        return {}
