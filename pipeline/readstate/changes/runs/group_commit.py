"""Group commit for the journal, on one thread: intents that arrive while the disk is busy share the next commit."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import msgspec

from readstate.changes.runs.journal import Journal
from readstate.changes.runs.journal_entries import Attempt, RunEvent
from readstate.changes.runs.row_record import RowRecord

OUTCOME_LAG_SECONDS = 0.05


class JournalWriter:
    """Writes the journal for many tasks at once.

    `intend` waits until its record is durable, at most two commits. `settle` and `record_event` return at once; what
    they wrote is flushed with the next commit, or after `OUTCOME_LAG_SECONDS`.
    """

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._records: list[RowRecord] = []
        self._attempts: list[Attempt] = []
        self._events: list[RunEvent] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._committing: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._failure: Exception | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self.flush()
        except Exception:
            if error is None:
                raise
        finally:
            self._executor.shutdown(wait=True)

    async def intend(self, record: RowRecord) -> None:
        """Write *record*; when this returns, it is on disk. Raise `LocalDisk`, `Locked`: then it must not be sent."""
        self.settle(record)
        await self._wait()

    def settle(self, record: RowRecord, attempt: Attempt | None = None) -> None:
        """Write *record* soon. Raise what an earlier commit raised."""
        self._raise_failure()
        # A copy: the task goes on changing its record while this one waits for the disk.
        self._records.append(msgspec.structs.replace(record))
        if attempt is not None:
            self._attempts.append(attempt)
        self._begin_soon()

    def record_event(self, kind: str, at: datetime, **facts: Any) -> None:
        """Write an event of the whole run soon. Raise what an earlier commit raised."""
        self._raise_failure()
        self._events.append(RunEvent(kind=kind, at=at, facts=facts))
        self._begin_soon()

    async def flush(self) -> None:
        """Wait until everything written so far is on disk."""
        self._raise_failure()
        if self._records or self._attempts or self._events:
            await self._wait()
        while self._committing is not None:
            await asyncio.wait([self._committing])
        self._raise_failure()

    async def _wait(self) -> None:
        done = asyncio.get_running_loop().create_future()
        self._waiting.append(done)
        self._begin()
        await done

    def _begin_soon(self) -> None:
        if self._timer is None and self._committing is None:
            self._timer = asyncio.get_running_loop().call_later(OUTCOME_LAG_SECONDS, self._begin)

    def _begin(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit())

    async def _commit(self) -> None:
        """Commit again and again until nothing is waiting.

        What the tasks write while a commit is on its way to the disk collects in the lists, and goes into the next
        one. After a failure nothing is ever committed again, and all who wait now or later get that failure: a write
        whose intent may not be on disk must not be sent.
        """
        # Tasks that are ready to run now may add to this commit.
        await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        while (self._records or self._events or self._waiting) and self._failure is None:
            batch, waiting = (self._records, self._attempts, self._events), self._waiting
            self._records, self._attempts, self._events, self._waiting = [], [], [], []
            try:
                await loop.run_in_executor(self._executor, self.journal.commit, *batch)
            except Exception as failure:  # noqa: BLE001 - those who wait must get it
                self._failure = failure
                self._waiting = [*waiting, *self._waiting]
            else:
                _wake(waiting, None)
        self._committing = None
        if self._failure is not None:
            _wake(self._waiting, self._failure)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure


def _wake(waiting: list[asyncio.Future[None]], failure: Exception | None) -> None:
    for done in waiting:
        if done.done():
            continue
        if failure is None:
            done.set_result(None)
        else:
            done.set_exception(failure)
    waiting.clear()
