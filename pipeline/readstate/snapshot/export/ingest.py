"""From fetched users to parts on disk: decode in batches, collect, seal, and commit to the checkpoint."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from readstate.clock import Clock
from readstate.concurrency import WorkerThread, bounded_map
from readstate.errors import UnusableAnswer
from readstate.events import Observer, PartWritten, UnknownFields, UserRead
from readstate.snapshot.extract.decode import Decoded, decode
from readstate.snapshot.extract.fetch import FetchedUser, PageBuffer
from readstate.snapshot.parts.part import CollectedRows, Part, seal_part
from readstate.snapshot.published.parquet import null_columns
from readstate.snapshot.published.schema import PII_COLUMNS
from readstate.snapshot.workspace.checkpoint import Checkpoint
from readstate.snapshot.workspace.checkpoint_rows import SealedPart
from readstate.snapshot.workspace.users import UserResult, failed_result

BATCH_BYTES = 2 << 20
# Larger batches cost less a row; a batch that fills slowly is decoded anyway, for progress to be seen.
_BATCH_SECONDS = 0.25
_PART_BYTES = 20 << 20
"""Rows with long attributes fill the memory long before they are many."""
_PARTS_AT_ONCE = 2
"""One is written while the next one fills."""


class PartLimits(Struct, frozen=True):
    """When a part is sealed: a killed process reads again what was not sealed."""

    rows: int
    seconds: float


class _Batch:
    """Users that were fetched, or failed, to be decoded together."""

    def __init__(self, began: float) -> None:
        self.began = began
        self.users: list[FetchedUser] = []
        self.results: list[UserResult] = []
        self.bytes = 0

    def add(self, outcome: FetchedUser | UserResult) -> None:
        if isinstance(outcome, UserResult):
            self.results.append(outcome)
        else:
            self.users.append(outcome)
            self.bytes += outcome.size

    @property
    def is_in_memory(self) -> bool:
        return all(isinstance(page, bytes) for user in self.users for page in user.pages)


class _PendingPart:
    """Users whose rows become one part, until the part and the users are committed to the checkpoint."""

    def __init__(self, began: float) -> None:
        self.began = began
        self.rows = CollectedRows()
        self.results: list[UserResult] = []
        self.unknown_fields: Mapping[str, int] = {}
        """As counted when the last of these users was added."""
        self.part: Part | None = None
        self.is_written = False
        self.is_committed = False


class Ingest:
    """Makes fetched users durable: their rows in parts, their results in the checkpoint."""

    def __init__(
        self,
        *,
        checkpoint: Checkpoint,
        folder: Path,
        checkpoint_disk: WorkerThread,
        parts_disk: WorkerThread,
        buffer: PageBuffer,
        blanked_columns: Sequence[str],
        limits: PartLimits,
        counters: Callable[[], Mapping[str, Any]],
        clock: Clock,
        emit: Observer,
        batch_bytes: int = BATCH_BYTES,
    ) -> None:
        self._checkpoint = checkpoint
        self._folder = folder
        self._checkpoint_disk = checkpoint_disk
        self._parts_disk = parts_disk
        self._buffer = buffer
        # Others may follow from the rest, which is blanked when it is published.
        self._blanked_columns = PII_COLUMNS.intersection(blanked_columns)
        self._limits = limits
        self._counters = counters
        self._clock = clock
        self._emit = emit
        self._batch_bytes = batch_bytes
        self._pending = [_PendingPart(clock.monotonic())]
        """The last one fills; those before it are being written."""
        self._unknown: Counter[str] = Counter(checkpoint.get("unknown_fields", dict[str, int]) or {})

    async def consume(self, outcomes: AsyncIterator[FetchedUser | UserResult]) -> None:
        """Decode and collect all *outcomes*. Full parts are committed; the rows of the last one wait for `seal`."""
        # Decoding waits while two parts are unwritten, and fetching waits or spills while decoding does, so that a slow
        # disk slows the run instead of filling the memory.
        async with bounded_map(self._commit, self._full_parts(self._batches(outcomes)), limit=_PARTS_AT_ONCE) as sealed:
            async for _ in sealed:
                pass

    async def seal(self) -> None:
        """Commit everything that was collected, with the run's counters. Raise `LocalDisk`."""
        self._close()
        for pending in self._pending[:-1]:
            await self._commit(pending)

    async def _batches(self, outcomes: AsyncIterator[FetchedUser | UserResult]) -> AsyncIterator[_Batch]:
        batch = _Batch(self._clock.monotonic())
        async for outcome in outcomes:
            batch.add(outcome)
            if batch.bytes >= self._batch_bytes or self._clock.monotonic() - batch.began >= _BATCH_SECONDS:
                yield batch
                batch = _Batch(self._clock.monotonic())
        yield batch

    async def _full_parts(self, batches: AsyncIterator[_Batch]) -> AsyncIterator[_PendingPart]:
        """Decode and collect rows, and yield each part as soon as it is full."""
        async for batch in batches:
            decoded = await self._decoded(batch)
            self._buffer.free(batch.bytes)
            self._keep(batch, decoded)
            filling = self._pending[-1]
            full = filling.rows.count >= self._limits.rows or filling.rows.bytes >= _PART_BYTES
            if full or self._clock.monotonic() - filling.began >= self._limits.seconds:
                self._close()
                yield filling

    async def _decoded(self, batch: _Batch) -> Decoded:
        # On the event loop, for some milliseconds: a thread would take the interpreter's lock from each request,
        # which makes a whole export 5 to 9 % dearer. What may take longer, or reads from disk, goes to a thread.
        if batch.bytes <= 2 * self._batch_bytes and batch.is_in_memory:
            return decode(batch.users)
        return await asyncio.to_thread(decode, batch.users)

    def _keep(self, batch: _Batch, decoded: Decoded) -> None:
        filling = self._pending[-1]
        filling.results.extend(batch.results)
        filling.rows.add(null_columns(decoded.table, self._blanked_columns), decoded.bytes)
        self._count_unknown_fields(decoded)
        now = self._clock.now()
        for user, result in zip(batch.users, decoded.results, strict=True):
            if isinstance(result, UnusableAnswer):
                filling.results.append(failed_result(user.user, result, clock=self._clock, emit=self._emit))
            else:
                filling.results.append(UserResult(user.user.id, "read", result, now))
                self._emit(UserRead(user.user.user_sid, result, len(user.pages)))

    def _count_unknown_fields(self, decoded: Decoded) -> None:
        fresh = tuple(name for name in decoded.unknown_fields if name not in self._unknown)
        self._unknown.update(decoded.unknown_fields)
        if fresh:
            self._emit(UnknownFields(fresh))

    def _close(self) -> None:
        """Begin another part."""
        self._pending[-1].unknown_fields = dict(self._unknown)
        self._pending.append(_PendingPart(self._clock.monotonic()))

    async def _commit(self, pending: _PendingPart) -> None:
        """Write a part, then commit it with its users.

        Both steps run on threads, so they finish even if the caller is cancelled; then `seal` comes here again for the
        same part, and the flags keep it from being written or committed twice.
        """
        await self._parts_disk.run(self._write, pending)
        # Only now: a user that the checkpoint calls read must have its rows on disk.
        await self._checkpoint_disk.run(self._record, pending, self._counters())
        if pending in self._pending:
            self._pending.remove(pending)
            if pending.part is not None:
                part = pending.part
                self._emit(PartWritten(len(pending.results), part.rows, part.bytes))

    def _write(self, pending: _PendingPart) -> None:
        if not pending.is_written:
            pending.part = seal_part(pending.rows, self._folder)
            pending.is_written = True

    def _record(self, pending: _PendingPart, counters: Mapping[str, Any]) -> None:
        if pending.is_committed:
            return
        part = pending.part
        sealed = None if part is None else SealedPart(part.path.name, part.rows)
        self._checkpoint.commit(sealed, pending.results, unknown_fields=pending.unknown_fields, **counters)
        pending.is_committed = True
