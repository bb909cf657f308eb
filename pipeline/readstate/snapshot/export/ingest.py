"""From users in hand to parts on disk: decode in batches, collect, seal, and tell the checkpoint."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from readstate.clock import Clock
from readstate.concurrency import bounded_map
from readstate.errors import UnusableAnswer
from readstate.events import Observer, PartWritten, UnknownFields, UserRead
from readstate.snapshot.extract.decode import Decoded, decode
from readstate.snapshot.extract.fetch import PageRoom, UserInHand
from readstate.snapshot.parts.part import CollectedRows, Part, seal_part
from readstate.snapshot.published.parquet import null_columns
from readstate.snapshot.workspace.checkpoint import Checkpoint, SealedPart
from readstate.snapshot.workspace.disk_thread import DiskThread
from readstate.snapshot.workspace.users import UserResult, failed_result

_BATCH_BYTES = 2 << 20
_BATCH_SECONDS = 0.25
_PART_BYTES = 20 << 20
"""Rows with attributes of 16 KB fill the memory long before they are many."""
_DECODERS = 2
_PARTS_AT_ONCE = 2
"""One is written, one fills."""


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


class _Unsettled:
    """Users whose rows will be one part, until that and they are in the checkpoint."""

    def __init__(self, began: float) -> None:
        self.began = began
        self.rows = CollectedRows()
        self.results: list[UserResult] = []
        self.unknown_fields: Mapping[str, int] = {}
        """As counted when the last of these users was added."""
        self.part: Part | None = None
        self.is_written = False
        self.is_settled = False


class Ingest:
    """Takes what reading gives and makes it durable."""

    def __init__(
        self,
        *,
        checkpoint: Checkpoint,
        folder: Path,
        checkpoint_disk: DiskThread,
        parts_disk: DiskThread,
        room: PageRoom,
        snapshot_at: datetime,
        blanked_columns: Sequence[str],
        limits: PartLimits,
        counters: Callable[[], Mapping[str, Any]],
        clock: Clock,
        emit: Observer,
    ) -> None:
        self._checkpoint = checkpoint
        self._folder = folder
        self._checkpoint_disk = checkpoint_disk
        self._parts_disk = parts_disk
        self._room = room
        self._snapshot_at = snapshot_at
        self._blanked_columns = blanked_columns
        self._limits = limits
        self._counters = counters
        self._clock = clock
        self._emit = emit
        self._unsettled = [_Unsettled(clock.monotonic())]
        """The last one fills; those before it are being made durable."""
        self._unknown: Counter[str] = Counter(checkpoint.recall("unknown_fields") or {})

    async def take_all(self, outcomes: AsyncIterator[UserInHand | UserResult]) -> None:
        """Decode and keep every outcome; sealed parts are durable, the rest waits for `seal`."""
        with ThreadPoolExecutor(_DECODERS, thread_name_prefix="decode") as decoders:

            async def decoded(batch: _Batch) -> _Decoding:
                return await asyncio.get_running_loop().run_in_executor(decoders, self._decode, batch)

            async with (
                bounded_map(decoded, self._batches(outcomes), limit=_DECODERS + 1) as ready,
                bounded_map(self._make_durable, self._full(ready), limit=_PARTS_AT_ONCE) as sealed,
            ):
                async for _ in sealed:
                    pass

    async def seal(self) -> None:
        """Make everything kept so far durable, with the run's counters. Raises `LocalDisk`."""
        self._close()
        for unsettled in self._unsettled[:-1]:
            await self._make_durable(unsettled)

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

    async def _full(self, ready: AsyncIterator[_Decoding]) -> AsyncIterator[_Unsettled]:
        """Collect what is decoded, and give it as soon as it is worth a part."""
        async for decoding in ready:
            self._room.free(decoding.batch.bytes)
            self._keep(decoding)
            filling = self._unsettled[-1]
            full = filling.rows.count >= self._limits.rows or filling.rows.bytes >= _PART_BYTES
            if full or self._clock.monotonic() - filling.began >= self._limits.seconds:
                self._close()
                yield filling

    def _keep(self, decoding: _Decoding) -> None:
        filling = self._unsettled[-1]
        filling.results.extend(decoding.batch.results)
        for user, error in decoding.broken:
            filling.results.append(failed_result(user.user, error, clock=self._clock, emit=self._emit))
        now = self._clock.now()
        for users, decoded in decoding.groups:
            self._note_unknown(decoded)
            filling.rows.add(null_columns(decoded.table, self._blanked_columns), decoded.bytes)
            for user, rows in zip(users, decoded.rows_per_user, strict=True):
                filling.results.append(UserResult(user.user.id, "read", rows, now))
                self._emit(UserRead(user.user.user_sid, rows, len(user.pages)))

    def _note_unknown(self, decoding: Decoded) -> None:
        fresh = tuple(name for name in decoding.unknown_fields if name not in self._unknown)
        self._unknown.update(decoding.unknown_fields)
        if fresh:
            self._emit(UnknownFields(fresh))

    def _close(self) -> None:
        """Let what fills fill no more."""
        self._unsettled[-1].unknown_fields = dict(self._unknown)
        self._unsettled.append(_Unsettled(self._clock.monotonic()))

    async def _make_durable(self, unsettled: _Unsettled) -> None:
        """Write the part, then tell the checkpoint. Both go on where the caller is cancelled, and happen once."""
        await self._parts_disk.run(self._write, unsettled)
        await self._checkpoint_disk.run(self._settle, unsettled, self._counters())
        if unsettled in self._unsettled:
            self._unsettled.remove(unsettled)
            if unsettled.part is not None:
                part = unsettled.part
                self._emit(PartWritten(len(unsettled.results), part.rows, part.bytes))

    def _write(self, unsettled: _Unsettled) -> None:
        if not unsettled.is_written:
            unsettled.part = seal_part(unsettled.rows, self._folder)
            unsettled.is_written = True

    def _settle(self, unsettled: _Unsettled, counters: Mapping[str, Any]) -> None:
        if unsettled.is_settled:
            return
        part = unsettled.part
        sealed = None if part is None else SealedPart(part.path.name, part.rows)
        self._checkpoint.settle(sealed, unsettled.results, unknown_fields=unsettled.unknown_fields, **counters)
        unsettled.is_settled = True
