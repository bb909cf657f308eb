import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from readstate.changes.runs.journal import Journal, create_journal, open_journal, open_read_only
from readstate.changes.runs.row_record import FIELDS, INTENT, PENDING, RowRecord, micros, moment
from readstate.errors import BadInput, Damaged, LocalDisk, Locked
from readstate.model.outcome import Outcome
from tests.helpers.journals import NOW, header, record


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Journal:
    return create_journal(path, header())


def test_a_record_comes_back_as_it_was_written(journal: Journal) -> None:
    full = RowRecord(**{name: number for number, name in enumerate(FIELDS)} | {
        name: f"text {name}" for name, kind in RowRecord.__annotations__.items() if kind in {str, str | None}
    } | {"state": INTENT})  # fmt: skip

    journal.commit([full])

    assert list(journal.records()) == [full]


def test_times_survive_to_the_microsecond() -> None:
    assert moment(micros(NOW)) == NOW


def test_the_file_is_private_and_syncs_every_commit(journal: Journal, path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    assert journal._connection.execute("PRAGMA synchronous").fetchone() == (3,)
    assert journal._connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_what_may_have_been_sent_is_of_unknown_outcome_once_opened_again(journal: Journal, path: Path) -> None:
    journal.commit([record(0), record(1, PENDING), record(2, Outcome.APPLIED)])
    journal.close()

    again = open_journal(path)

    assert [row.state for row in again.records()] == [Outcome.UNKNOWN, PENDING, Outcome.APPLIED]
    assert again.epoch == 2
    assert list(again.begun()) == [(0, False), (1, False), (2, True)]


def test_a_process_of_an_earlier_start_can_write_no_more(journal: Journal, path: Path) -> None:
    open_journal(path)

    for write in (
        lambda: journal.commit([record(0)]),
        lambda: journal.record_event("x", NOW),
        lambda: journal.finish("finished", 0),
        lambda: journal.reopen(["rejected"]),
    ):
        with pytest.raises(Locked, match="another process has taken this run over"):
            write()
    assert list(journal.records()) == []


def test_reading_does_not_disturb_the_writer_and_sees_what_is_committed(journal: Journal, path: Path) -> None:
    seen = open_read_only(path)
    journal.commit([record(0), record(1, Outcome.REJECTED)])

    assert seen.counts() == {INTENT: 1, Outcome.REJECTED: 1}
    assert seen.header == header()
    with pytest.raises(LocalDisk, match=f"readstate resume {path.parent.name}"):
        seen.commit([record(2)])
    seen.close()
    journal.commit([record(2)])


def test_records_stream_in_plan_order_and_by_state(journal: Journal) -> None:
    journal.commit(record(number, (INTENT, Outcome.APPLIED)[number % 2]) for number in reversed(range(5_000)))

    assert [row.plan_row_id for row in journal.records()] == list(range(5_000))
    assert [row.plan_row_id for row in journal.records(INTENT)] == list(range(0, 5_000, 2))


def test_events_come_back_in_their_order_with_what_they_hold(journal: Journal) -> None:
    journal.record_event("started", NOW, epoch=1)
    journal.record_event("ended", NOW, exit_code=0)

    assert list(journal.events()) == [
        {"seq": 1, "at": NOW.isoformat(), "kind": "started", "epoch": 1},
        {"seq": 2, "at": NOW.isoformat(), "kind": "ended", "exit_code": 0},
    ]


def test_a_journal_of_the_version_before_is_read_and_continued(journal: Journal, path: Path) -> None:
    journal.commit([record(0), record(1, Outcome.APPLIED)])
    journal.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("""
            DROP TABLE event;
            CREATE TABLE event (seq INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, json TEXT NOT NULL,
                prev_sha256 TEXT NOT NULL, sha256 TEXT NOT NULL);
            INSERT INTO event VALUES (1, '2026-11-23T14:00:00+00:00', 'started', '{"epoch": 1}', 'a', 'b');
            PRAGMA journal_mode = WAL;
        """)

    with closing(open_read_only(path)) as seen:
        assert [event["kind"] for event in seen.events()] == ["started"]
    with closing(open_journal(path)) as continued:
        continued.record_event("started", NOW, epoch=2)

        assert [event["epoch"] for event in continued.events()] == [1, 2]
        assert continued.counts() == {Outcome.UNKNOWN: 1, Outcome.APPLIED: 1}
        assert continued._connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_the_ending_is_noted_and_a_new_start_forgets_it(journal: Journal, path: Path) -> None:
    assert journal.final_state() == ("running", None)
    journal.finish("finished", 3)
    assert journal.final_state() == ("finished", 3)

    assert open_journal(path).final_state() == ("running", None)


def test_a_missing_journal_says_to_plan_again(tmp_path: Path) -> None:
    for opening in (open_journal, open_read_only):
        with pytest.raises(BadInput, match="again"):
            opening(tmp_path / "nowhere.sqlite")


def test_a_damaged_journal_says_to_plan_again(journal: Journal, path: Path) -> None:
    journal.commit(record(number) for number in range(2_000))
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
        journal.commit(record(number) for number in range(200))
    subprocess.run([sys.executable, "-c", killed], check=False)
    assert path.with_name("journal.sqlite-journal").exists()

    with closing(open_read_only(path)) as seen:
        assert [row.twilio_message for row in seen.records()] == [None] * 200


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE row SET settled_at = 9e18",
        "UPDATE row SET settled_at = 9000000000000000000",
        "UPDATE row SET http_status = 'four hundred'",
        "UPDATE row SET attempts = 99999999999",
        "UPDATE row SET attempts = NULL",
        "UPDATE row SET state = 'applaud'",
        "UPDATE row SET state = NULL",
        "UPDATE row SET state = X'FF'",
        "UPDATE row SET twilio_message = CAST(X'FF' AS TEXT)",
        "UPDATE run SET header = '{'",
        "UPDATE run SET header = replace(header, 'Z', '')",
        "UPDATE run SET epoch = 'one'",
        "UPDATE run SET epoch = 9223372036854775807",
        "UPDATE run SET state = 'ran', exit_code = 7",
        "UPDATE run SET exit_code = 7",
        "DELETE FROM run",
        "DROP TABLE row",
        "UPDATE event SET at = 'noon'",
        "UPDATE event SET at = '5'",
        "UPDATE event SET json = '[]'",
        "UPDATE event SET kind = 'stage_passed'",
    ],
)
def test_a_value_that_nobody_wrote_is_damage(damage: str, journal: Journal, path: Path) -> None:
    journal.commit([record(0, Outcome.APPLIED, settled_at=micros(NOW))])
    journal.record_event("x", NOW)
    journal.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(damage)

    with pytest.raises(Damaged, match=r"the journal is damaged.*\n.*Plan the same file again"):
        for opening in (open_read_only, open_journal):
            with closing(opening(path)) as opened:
                _ = opened.final_state(), opened.counts()
                for read in (opened.records, opened.events, opened.begun):
                    list(read())
