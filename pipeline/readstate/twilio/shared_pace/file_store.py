"""The ledger in a file that the processes of one machine share.

The file is one line of JSON with a ledger for each account. Who changes it holds its lock, which the system takes from
a process that dies. Whatever is no such line counts as nothing: then each process brings what it holds.
"""

import fcntl
import os
from pathlib import Path

import msgspec

from readstate.clock import Clock
from readstate.twilio.shared_pace.ledger import Ledger, is_alive
from readstate.twilio.shared_pace.ledger_store import Change, LedgerLost, Result

_TRIES = 100
_TRY_SECONDS = 0.005
_MOST_BYTES = 1 << 20

_decode = msgspec.json.Decoder(dict[str, Ledger]).decode


class FileStore:
    """Keeps the ledger of *account* in *path*; *clock* is monotonic, and the same for all processes of a machine."""

    def __init__(self, path: Path, account: str, clock: Clock) -> None:
        self._path = path
        self._account = account
        self._clock = clock

    async def update(self, change: Change[Result]) -> Result:
        """Lock, read, change, write, unlock. Raises `LedgerLost`."""
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                await self._lock(file)
                return self._change(file, change)
            finally:
                os.close(file)  # and with it the lock
        except OSError as error:
            raise LedgerLost(error.strerror or str(error)) from error

    async def close(self) -> None:
        """Nothing is kept open."""

    async def _lock(self, file: int) -> None:
        for _ in range(_TRIES):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                await self._clock.sleep(_TRY_SECONDS)
            else:
                return
        raise LedgerLost("another process keeps it locked")

    def _change(self, file: int, change: Change[Result]) -> Result:
        now = self._clock.monotonic()
        ledgers = _parsed(os.pread(file, _MOST_BYTES, 0))
        mine, result = change(ledgers.get(self._account, Ledger()), now)
        ledgers[self._account] = mine
        kept = {account: ledger for account, ledger in ledgers.items() if is_alive(ledger, now)}
        line = msgspec.json.encode(kept) + b"\n"
        # One write of a few kilobytes, so that a kill leaves the old line or the new one; cutting off what was longer
        # before only keeps the file tidy.
        os.pwrite(file, line, 0)
        os.ftruncate(file, len(line))
        return result


def _parsed(content: bytes) -> dict[str, Ledger]:
    try:
        return _decode(content.partition(b"\n")[0])
    except msgspec.DecodeError:
        return {}
