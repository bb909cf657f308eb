"""From users in hand to parts on disk: decode in batches, collect, seal, and tell the checkpoint."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pyarrow import Table

from pipeline.clock import Clock
from pipeline.concurrency import bounded_map
from pipeline.errors import UnusableAnswer
from pipeline.events import Observer, PartWritten, UnknownFields, UserRead
from pipeline.snapshot.batches import Decoded, blank, decode
from pipeline.snapshot.checkpoint import Checkpoint, SealedPart, UserResult
from pipeline.snapshot.disk_thread import DiskThread
from pipeline.snapshot.parts import PartWriter
from pipeline.snapshot.reading import PageRoom, UserInHand, failed

_BATCH_BYTES = 2 << 20
_BATCH_SECONDS = 0.25
_PART_BYTES = 20 << 20
"""Rows with attributes of 16 KB fill the memory long before they are many."""
_DECODERS = 2


@dataclass(frozen=True, slots=True)
class PartLimits:
    """When a part is sealed, so that a kill costs little."""

    rows: int
    seconds: float


class _Batch:
    """Users whose reading ended, waiting to be decoded and written together."""

    def __init__(self, began: float) -> None:
        self.began = began
        self.users: list[UserInHand] = []
        self.results: list[UserResult] = []
        self.bytes = 0

    def add(self, outcome: UserInHand | UserResult) -> None:
        if isinstance(outcome, UserResult):
            self.results.append(outcome)
        else:
            self.users.append(outcome)
            self.bytes += outcome.size


@dataclass(frozen=True, slots=True)
class _Decoding:
    """A decoded batch: per group of users their rows, and who turned out to be unusable."""

    batch: _Batch
    groups: Sequence[tuple[Sequence[UserInHand], Decoded]]
    broken: Sequence[tuple[UserInHand, UnusableAnswer]]


class Ingest:
    """Takes what reading gives and makes it durable."""

    def __init__(
        self,
        *,
        checkpoint: Checkpoint,
        parts: PartWriter,
        disk: DiskThread,
        room: PageRoom,
        snapshot_at: datetime,
        blanked_columns: Sequence[str],
        limits: PartLimits,
        counters: Callable[[], Mapping[str, Any]],
        clock: Clock,
        emit: Observer,
    ) -> None:
        self._checkpoint = checkpoint
        self._parts = parts
        self._disk = disk
        self._room = room
        self._snapshot_at = snapshot_at
        self._blanked_columns = blanked_columns
        self._limits = limits
        self._counters = counters
        self._clock = clock
        self._emit = emit
        self._unsettled: list[UserResult] = []
        self._part_began = clock.monotonic()
        self._unknown: Counter[str] = Counter(checkpoint.recall("unknown_fields") or {})

    async def take_all(self, outcomes: AsyncIterator[UserInHand | UserResult]) -> None:
        """Decode and keep every outcome; sealed parts are durable, the rest waits for `seal`."""
        with ThreadPoolExecutor(_DECODERS, thread_name_prefix="decode") as decoders:

            async def decoded(batch: _Batch) -> _Decoding:
                return await asyncio.get_running_loop().run_in_executor(decoders, self._decode, batch)

            async with bounded_map(decoded, self._batches(outcomes), limit=_DECODERS + 1) as ready:
                async for decoding in ready:
                    self._room.free(decoding.batch.bytes)
                    await self._keep(decoding)

    async def seal(self) -> None:
        """Make everything kept so far durable, with the run's counters. Raises `LocalDisk`."""
        written = await self._disk.run(self._seal, self._counters())
        self._part_began = self._clock.monotonic()
        if written is not None:
            self._emit(written)

    async def _batches(self, outcomes: AsyncIterator[UserInHand | UserResult]) -> AsyncIterator[_Batch]:
        batch = _Batch(self._clock.monotonic())
        async for outcome in outcomes:
            batch.add(outcome)
            if batch.bytes >= _BATCH_BYTES or self._clock.monotonic() - batch.began >= _BATCH_SECONDS:
                yield batch
                batch = _Batch(self._clock.monotonic())
        yield batch

    def _decode(self, batch: _Batch) -> _Decoding:
        """Decode on a worker thread; a user whose pages cannot be used is set apart."""
        if not batch.users:
            return _Decoding(batch, [], [])
        try:
            return _Decoding(batch, [(batch.users, self._decode_users(batch.users))], [])
        except UnusableAnswer:
            groups: list[tuple[Sequence[UserInHand], Decoded]] = []
            broken: list[tuple[UserInHand, UnusableAnswer]] = []
            for user in batch.users:
                try:
                    groups.append(([user], self._decode_users([user])))
                except UnusableAnswer as error:
                    broken.append((user, error))
            return _Decoding(batch, groups, broken)

    def _decode_users(self, users: Sequence[UserInHand]) -> Decoded:
        return decode([user.undecoded for user in users], snapshot_at=self._snapshot_at)

    async def _keep(self, decoding: _Decoding) -> None:
        results = list(decoding.batch.results)
        for user, error in decoding.broken:
            results.append(failed(user.user, error, clock=self._clock, emit=self._emit))
        now = self._clock.now()
        for users, decoded in decoding.groups:
            self._note_unknown(decoded)
            for user, rows in zip(users, decoded.rows_per_user, strict=True):
                results.append(UserResult(user.user.id, "read", rows, now))
                self._emit(UserRead(user.user.user_sid, rows, len(user.pages)))
        await self._disk.run(self._collect, [decoded.table for _, decoded in decoding.groups], results)
        waited = self._clock.monotonic() - self._part_began
        full = self._parts.rows >= self._limits.rows or self._parts.bytes >= _PART_BYTES
        if full or waited >= self._limits.seconds:
            await self.seal()

    def _collect(self, tables: Sequence[Table], results: Sequence[UserResult]) -> None:
        """Add rows and the news that they are there in one step: a cancelled run must not part them."""
        for table in tables:
            self._parts.add(blank(table, self._blanked_columns))
        self._unsettled.extend(results)

    def _note_unknown(self, decoding: Decoded) -> None:
        fresh = tuple(name for name in decoding.unknown_fields if name not in self._unknown)
        self._unknown.update(decoding.unknown_fields)
        if fresh:
            self._emit(UnknownFields(fresh))

    def _seal(self, counters: Mapping[str, Any]) -> PartWritten | None:
        part = self._parts.seal()
        results, self._unsettled = self._unsettled, []
        sealed = None if part is None else SealedPart(part.path.name, part.rows)
        self._checkpoint.settle(sealed, results, unknown_fields=dict(self._unknown), **counters)
        return None if part is None else PartWritten(len(results), part.rows, part.bytes)
