"""From users in hand to parts: one broken answer spoils no other user's rows."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from readstate.concurrency import WorkerThread
from readstate.errors import LocalDisk
from readstate.events import Event, PartWritten, UserFailed, UserRead
from readstate.model.resources import User
from readstate.snapshot.export import ingest
from readstate.snapshot.export.ingest import BATCH_BYTES, Ingest, PartLimits
from readstate.snapshot.extract.fetch import FetchedUser, PageBuffer
from readstate.snapshot.extract.spill import Spill
from readstate.snapshot.parts.part import CollectedRows, Part, seal_part
from readstate.snapshot.workspace.checkpoint import Checkpoint
from readstate.snapshot.workspace.users import RosterUser, UserResult
from tests.helpers.fake_clock import FakeClock
from tests.helpers.user_conversation_pages import SERVICE, page, row, sid


def user_page(user: int, conversations: Iterable[dict[str, Any]]) -> bytes:
    return page([row(number, user=user, **more) for number, more in enumerate(conversations)])


@dataclass
class Ingesting:
    """An ingest with a checkpoint of some users, all claimed."""

    ingest: Ingest
    checkpoint: Checkpoint
    checkpoint_disk: WorkerThread
    users: list[RosterUser]
    events: list[Event]

    async def outcomes(self, pages: Iterable[bytes]) -> AsyncIterator[FetchedUser | UserResult]:
        for user, body in zip(self.users, pages, strict=False):
            yield FetchedUser(user, (body,))


@contextmanager
def ingesting(folder: Path, users: int, *, rows: int = 1000, batch_bytes: int = BATCH_BYTES) -> Iterator[Ingesting]:
    (folder / "parts").mkdir()
    events: list[Event] = []
    checkpoint = Checkpoint(folder / "checkpoint.sqlite")
    checkpoint.add_users(SERVICE, [User(sid=sid("US", number)) for number in range(users)], next_page=None)
    with WorkerThread() as checkpoint_disk, WorkerThread() as parts_disk:
        ingest = Ingest(
            checkpoint=checkpoint,
            folder=folder / "parts",
            checkpoint_disk=checkpoint_disk,
            parts_disk=parts_disk,
            buffer=PageBuffer(Spill()),
            blanked_columns=(),
            limits=PartLimits(rows=rows, seconds=1000),
            counters=lambda: {"requests": {"requests": 7}},
            clock=FakeClock(),
            emit=events.append,
            batch_bytes=batch_bytes,
        )
        yield Ingesting(ingest, checkpoint, checkpoint_disk, checkpoint.claim(users), events)


async def take(folder: Path, pages: list[bytes]) -> tuple[Checkpoint, list[Event]]:
    """Ingest one user for each page, and seal."""
    with ingesting(folder, len(pages)) as it:
        await it.ingest.consume(it.outcomes(pages))
        await it.ingest.seal()
        return it.checkpoint, it.events


async def test_a_user_whose_answer_cannot_be_used_fails_alone(tmp_path: Path) -> None:
    good = [user_page(number, [{}, {}]) for number in (0, 2)]
    broken = user_page(1, [{"last_read_message_index": "many"}])

    checkpoint, events = await take(tmp_path, [good[0], broken, good[1]])

    progress = checkpoint.progress()
    assert (progress.read, progress.failed, progress.rows) == (2, 1, 4)
    (failure,) = [event for event in events if isinstance(event, UserFailed)]
    assert failure.user_sid == sid("US", 1)
    assert "last_read_message_index" in failure.reason


async def test_sealing_commits_parts_with_the_counters_and_emits_events(tmp_path: Path) -> None:
    pages = [user_page(number, [{}] * number) for number in range(4)]

    checkpoint, events = await take(tmp_path, pages)

    assert [part.rows for part in checkpoint.parts()] == [6]
    assert [event.rows for event in events if isinstance(event, PartWritten)] == [6]
    assert sorted(event.rows for event in events if isinstance(event, UserRead)) == [0, 1, 2, 3]
    assert checkpoint.get("requests", dict[str, int]) == {"requests": 7}


async def test_users_without_rows_are_done_too(tmp_path: Path) -> None:
    checkpoint, _ = await take(tmp_path, [user_page(number, []) for number in range(3)])

    assert checkpoint.progress().read == 3
    assert checkpoint.parts() == []


async def test_parts_are_written_while_the_checkpoint_serves_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The roster hands out users on the checkpoint's thread: were it to wait for parts, the account would idle."""
    may_write = threading.Event()
    monkeypatch.setattr(ingest, "seal_part", lambda rows, folder: may_write.wait(10) and seal_part(rows, folder))
    pages = [user_page(number, [{}] * 2) for number in range(30)]
    with ingesting(tmp_path, len(pages), rows=2, batch_bytes=1) as it:
        taking = asyncio.create_task(it.ingest.consume(it.outcomes(pages)))
        while not it.events:
            await asyncio.sleep(0)

        assert await it.checkpoint_disk.run(it.checkpoint.progress) == (30, 0, 0, 0, 0, 0)
        may_write.set()
        await taking
        await it.ingest.seal()

        assert it.checkpoint.progress().read == 30
        assert len(it.checkpoint.parts()) == 30


async def test_rows_collected_when_the_run_is_cancelled_are_committed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part that is being written when a stop cannot wait any longer is neither lost nor counted twice."""
    is_writing, may_write = threading.Event(), threading.Event()

    def slowly(rows: CollectedRows, folder: Path) -> Part | None:
        is_writing.set()
        may_write.wait(10)
        return seal_part(rows, folder)

    monkeypatch.setattr(ingest, "seal_part", slowly)
    pages = [user_page(number, [{}] * 2) for number in range(30)]
    with ingesting(tmp_path, len(pages), rows=2, batch_bytes=1) as it:
        taking = asyncio.create_task(it.ingest.consume(it.outcomes(pages)))
        await asyncio.to_thread(is_writing.wait, 10)
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
        may_write.set()
        await it.ingest.seal()

        read = sum(isinstance(event, UserRead) for event in it.events)
        done = it.checkpoint.progress()
        assert (done.read, done.rows) == (read, 2 * read)
        assert read > 0
        assert sum(event.rows for event in it.events if isinstance(event, PartWritten)) == 2 * read
        assert len(it.checkpoint.parts()) == len(list((tmp_path / "parts").iterdir()))


async def test_rows_that_could_not_be_written_are_kept_until_the_last_try(tmp_path: Path) -> None:
    pages = [user_page(number, [{}] * 2) for number in range(3)]
    with ingesting(tmp_path, len(pages), rows=2) as it:
        (tmp_path / "parts").rename(tmp_path / "elsewhere")
        with pytest.raises(LocalDisk):
            await it.ingest.consume(it.outcomes(pages))
        assert it.checkpoint.progress().read == 0
        (tmp_path / "elsewhere").rename(tmp_path / "parts")
        await it.ingest.seal()

        assert it.checkpoint.progress().rows == 6
