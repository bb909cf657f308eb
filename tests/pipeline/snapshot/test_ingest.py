"""From users in hand to parts: one broken answer spoils nobody else's rows."""

import json
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.events import Event, PartWritten, UserFailed, UserRead
from pipeline.model.user_conversation import User
from pipeline.snapshot.checkpoint import Checkpoint, UserResult
from pipeline.snapshot.disk_thread import DiskThread
from pipeline.snapshot.ingest import Ingest, PartLimits
from pipeline.snapshot.parts import PartWriter
from pipeline.snapshot.reading import PageRoom, UserInHand
from pipeline.snapshot.spill import Spill
from tests.helpers.fake_clock import FakeClock

SERVICE = "IS" + "0" * 32


def user_page(user_sid: str, conversations: Iterable[Any]) -> bytes:
    rows = [
        {"chat_service_sid": SERVICE, "user_sid": user_sid, "conversation_sid": f"CH{number:032x}", **more}
        for number, more in enumerate(conversations)
    ]
    return json.dumps({"conversations": rows, "meta": {"page_size": 50, "next_page_url": None}}).encode()


async def take(folder: Path, pages: list[bytes]) -> tuple[Checkpoint, list[Event]]:
    """Ingest one user for each page, and seal."""
    (folder / "parts").mkdir()
    events: list[Event] = []
    checkpoint = Checkpoint(folder / "checkpoint.sqlite")
    checkpoint.add_users(SERVICE, [User(sid=f"US{number:032x}") for number in range(len(pages))], next_page=None)
    taken = checkpoint.take(len(pages))

    async def outcomes() -> AsyncIterator[UserInHand | UserResult]:
        for user, page in zip(taken, pages, strict=True):
            yield UserInHand(user, (page,))

    with DiskThread() as disk:
        ingest = Ingest(
            checkpoint=checkpoint,
            parts=PartWriter(folder / "parts"),
            disk=disk,
            room=PageRoom(Spill()),
            snapshot_at=datetime(2026, 11, 23, tzinfo=UTC),
            blanked_columns=(),
            limits=PartLimits(rows=1000, seconds=1000),
            counters=lambda: {"requests": {"requests": 7}},
            clock=FakeClock(),
            emit=events.append,
        )
        await ingest.take_all(outcomes())
        await ingest.seal()
    return checkpoint, events


async def test_a_user_whose_answer_cannot_be_used_fails_alone(tmp_path: Path) -> None:
    good = [user_page(f"US{number:032x}", [{}, {}]) for number in (0, 2)]
    broken = user_page(f"US{1:032x}", [{"last_read_message_index": "many"}])

    checkpoint, events = await take(tmp_path, [good[0], broken, good[1]])

    progress = checkpoint.progress()
    assert (progress.read, progress.failed, progress.rows) == (2, 1, 4)
    (failure,) = [event for event in events if isinstance(event, UserFailed)]
    assert failure.user_sid == f"US{1:032x}"
    assert "last_read_message_index" in failure.reason


async def test_what_is_sealed_is_told_and_kept_with_the_counters(tmp_path: Path) -> None:
    pages = [user_page(f"US{number:032x}", [{}] * number) for number in range(4)]

    checkpoint, events = await take(tmp_path, pages)

    assert [part.rows for part in checkpoint.parts()] == [6]
    assert [event.rows for event in events if isinstance(event, PartWritten)] == [6]
    assert sorted(event.rows for event in events if isinstance(event, UserRead)) == [0, 1, 2, 3]
    assert checkpoint.recall("requests") == {"requests": 7}


async def test_users_without_rows_are_done_too(tmp_path: Path) -> None:
    checkpoint, _ = await take(tmp_path, [user_page(f"US{number:032x}", []) for number in range(3)])

    assert checkpoint.progress().read == 3
    assert checkpoint.parts() == []
