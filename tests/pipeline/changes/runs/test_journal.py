"""The journal: durable, fenced, and readable while it is written."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from readstate.changes.runs.group_commit import JournalThread
from readstate.changes.runs.journal import Attempt, Journal, RunHeader, create_journal, look_into, open_journal
from readstate.changes.runs.row_record import FIELDS, INTENT, PENDING, RowRecord, micros, moment
from readstate.errors import BadInput, LocalDisk, Locked
from readstate.model.outcome import Outcome

NOW = datetime(2026, 11, 23, 14, 0, 0, 123456, tzinfo=UTC)


def header(**changes: Any) -> RunHeader:
    values: dict[str, Any] = {
        "run_id": "r-1", "plan_id": "p-1", "plan_dir": "plans/p-1", "rows_sha256": "0" * 64,
        "account_sid": "AC" + "1" * 32, "service_sid": "IS" + "2" * 32, "base_url": "http://127.0.0.1",
        "executable": 3, "started_at": NOW, "tool_version": "0", "who": {}, "argv": [], "consent": {}, "options": {},
    }  # fmt: skip
    return RunHeader(**(values | changes))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Journal:
    return create_journal(path, header())


def record(number: int, state: str = INTENT, **changes: Any) -> RowRecord:
    return RowRecord(plan_row_id=number, state=state, **changes)


def test_a_record_comes_back_as_it_was_written(journal: Journal) -> None:
    full = RowRecord(**{name: number for number, name in enumerate(FIELDS)} | {
        name: f"text {name}" for name, kind in RowRecord.__annotations__.items() if kind in {str, str | None}
    })  # fmt: skip

    journal.write([full])

    assert list(journal.records()) == [full]


def test_times_survive_to_the_microsecond() -> None:
    assert moment(micros(NOW)) == NOW


def test_the_file_is_private_and_syncs_every_commit(journal: Journal, path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    assert journal._connection.execute("PRAGMA synchronous").fetchone() == (3,)
    assert journal._connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_what_may_have_been_sent_is_of_unknown_outcome_once_opened_again(journal: Journal, path: Path) -> None:
    journal.write([record(0), record(1, PENDING), record(2, Outcome.APPLIED)])
    journal.close()

    again = open_journal(path)

    assert [row.state for row in again.records()] == [Outcome.UNKNOWN, PENDING, Outcome.APPLIED]
    assert again.epoch == 2
    assert list(again.settled()) == [2]


def test_a_process_of_an_earlier_start_can_write_no_more(journal: Journal, path: Path) -> None:
    open_journal(path)

    for write in (
        lambda: journal.write([record(0)]),
        lambda: journal.tell("x", NOW),
        lambda: journal.end("finished", 0),
        lambda: journal.reopen(["rejected"]),
    ):
        with pytest.raises(Locked, match="another process has taken this run over"):
            write()
    assert list(journal.records()) == []


def test_reading_does_not_disturb_the_writer_and_sees_what_is_committed(journal: Journal, path: Path) -> None:
    seen = look_into(path)
    journal.write([record(0), record(1, Outcome.REJECTED)])

    assert seen.counts() == {INTENT: 1, Outcome.REJECTED: 1}
    assert seen.header == header()
    with pytest.raises(LocalDisk):
        seen.write([record(2)])
    seen.close()
    journal.write([record(2)])


def test_records_stream_in_plan_order_and_by_state(journal: Journal) -> None:
    journal.write(record(number, (INTENT, Outcome.APPLIED)[number % 2]) for number in reversed(range(5_000)))

    assert [row.plan_row_id for row in journal.records()] == list(range(5_000))
    assert [row.plan_row_id for row in journal.records(INTENT)] == list(range(0, 5_000, 2))


def test_reopening_lets_failed_rows_be_tried_again(journal: Journal) -> None:
    journal.write([record(0, Outcome.REJECTED), record(1, Outcome.APPLIED), record(2, Outcome.MISMATCH)])

    assert journal.reopen([Outcome.REJECTED, Outcome.MISMATCH]) == 2
    assert list(journal.settled()) == [1]


def test_events_come_back_in_their_order_with_what_they_hold(journal: Journal) -> None:
    journal.tell("began", NOW, epoch=1)
    journal.tell("ended", NOW, exit_code=0)

    assert list(journal.events()) == [
        {"seq": 1, "at": NOW.isoformat(), "kind": "began", "epoch": 1},
        {"seq": 2, "at": NOW.isoformat(), "kind": "ended", "exit_code": 0},
    ]


def test_a_journal_of_the_version_before_is_read_and_continued(journal: Journal, path: Path) -> None:
    journal.write([record(0), record(1, Outcome.APPLIED)])
    journal.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("""
            DROP TABLE event;
            CREATE TABLE event (seq INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, json TEXT NOT NULL,
                prev_sha256 TEXT NOT NULL, sha256 TEXT NOT NULL);
            INSERT INTO event VALUES (1, '2026-11-23T14:00:00+00:00', 'began', '{"epoch": 1}', 'a', 'b');
            PRAGMA journal_mode = WAL;
        """)

    with closing(look_into(path)) as seen:
        assert [event["kind"] for event in seen.events()] == ["began"]
    with closing(open_journal(path)) as continued:
        continued.tell("began", NOW, epoch=2)

        assert [event["epoch"] for event in continued.events()] == [1, 2]
        assert continued.counts() == {Outcome.UNKNOWN: 1, Outcome.APPLIED: 1}
        assert continued._connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_the_ending_is_noted_and_a_new_start_forgets_it(journal: Journal, path: Path) -> None:
    assert journal.ending() == ("running", None)
    journal.end("finished", 3)
    assert journal.ending() == ("finished", 3)

    assert open_journal(path).ending() == ("running", None)


def test_a_missing_journal_says_to_plan_again(tmp_path: Path) -> None:
    for opening in (open_journal, look_into):
        with pytest.raises(BadInput, match="again"):
            opening(tmp_path / "nowhere.sqlite")


def test_a_damaged_journal_says_to_plan_again(journal: Journal, path: Path) -> None:
    journal.write(record(number) for number in range(2_000))
    journal.close()
    content = bytearray(path.read_bytes())
    content[4096:12288] = b"\xff" * 8192
    path.write_bytes(content)

    with pytest.raises(LocalDisk, match="again"):
        open_journal(path)


def test_a_journal_is_never_begun_over_another(journal: Journal, path: Path) -> None:
    with pytest.raises(LocalDisk):
        create_journal(path, header())


def test_a_commit_that_a_kill_has_cut_off_is_rolled_back_by_the_first_reader(path: Path) -> None:
    killed = f"""
import os, sqlite3
connection = sqlite3.connect({str(path)!r}, isolation_level=None)
connection.execute("PRAGMA cache_spill = 1")
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE row SET twilio_message = hex(randomblob(2000))")
os._exit(9)
"""
    with closing(create_journal(path, header())) as journal:
        journal.write(record(number) for number in range(200))
    subprocess.run([sys.executable, "-c", killed], check=False)
    assert path.with_name("journal.sqlite-journal").exists()

    with closing(look_into(path)) as seen:
        assert [row.twilio_message for row in seen.records()] == [None] * 200


class TestJournalThread:
    async def test_an_intent_is_on_disk_when_keeping_it_returns(self, journal: Journal, path: Path) -> None:
        async with JournalThread(journal) as thread:
            await thread.intend(record(0))

            assert look_into(path).counts() == {INTENT: 1}

    async def test_intents_that_come_together_share_a_commit(self, journal: Journal) -> None:
        import asyncio

        async with JournalThread(journal) as thread:
            await asyncio.gather(*(thread.intend(record(number)) for number in range(100)))

            assert thread.commits <= 2

    async def test_outcomes_follow_by_themselves_within_the_lag(self, journal: Journal, path: Path) -> None:
        import asyncio

        async with JournalThread(journal) as thread:
            thread.settle(record(0, Outcome.APPLIED))
            assert look_into(path).counts() == {}
            async with asyncio.timeout(5):
                while not look_into(path).counts():
                    await asyncio.sleep(0.01)

    async def test_a_record_that_changes_later_is_kept_as_it_was(self, journal: Journal) -> None:
        row = record(0, Outcome.APPLIED)
        async with JournalThread(journal) as thread:
            thread.settle(row)
            row.state = INTENT

        assert journal.counts() == {Outcome.APPLIED: 1}

    async def test_leaving_the_block_writes_what_is_left(self, journal: Journal) -> None:
        attempt = Attempt(
            plan_row_id=0, attempt=1, epoch=1, sent_at=1, ended_at=2, kind="Lost", http=None, tw_code=None,
            request_id=None,
        )  # fmt: skip
        async with JournalThread(journal) as thread:
            thread.settle(record(0, Outcome.APPLIED), attempt)

        assert journal.counts() == {Outcome.APPLIED: 1}
        assert journal._connection.execute("SELECT count(*) FROM attempt").fetchone() == (1,)

    async def test_an_intent_that_cannot_be_kept_raises_and_so_does_everything_after_it(
        self, journal: Journal, path: Path
    ) -> None:
        open_journal(path).close()

        with pytest.raises(Locked):
            async with JournalThread(journal) as thread:
                with pytest.raises(Locked):
                    await thread.intend(record(0))
                with pytest.raises(Locked):
                    thread.settle(record(1, Outcome.APPLIED))
                with pytest.raises(Locked):
                    await thread.flush()

    async def test_an_error_in_the_block_is_not_hidden_by_the_journal(self, journal: Journal, path: Path) -> None:
        open_journal(path).close()

        with pytest.raises(ValueError, match="first"):
            async with JournalThread(journal) as thread:
                thread.settle(record(0))
                raise ValueError("first")

    async def test_functions_of_the_journal_run_after_all_that_was_kept(self, journal: Journal) -> None:
        async with JournalThread(journal) as thread:
            thread.settle(record(0, Outcome.APPLIED))

            assert await thread.run(lambda journal: journal.counts()) == {Outcome.APPLIED: 1}
