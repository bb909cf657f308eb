import asyncio
from pathlib import Path

import pytest

from readstate.changes.runs.group_commit import JournalWriter
from readstate.changes.runs.journal import Journal, create_journal, open_journal, open_read_only
from readstate.changes.runs.journal_entries import Attempt
from readstate.changes.runs.row_record import INTENT
from readstate.errors import Locked
from readstate.model.outcome import Outcome
from tests.helpers.journals import header, record


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Journal:
    return create_journal(path, header())


async def test_an_intent_is_on_disk_when_keeping_it_returns(journal: Journal, path: Path) -> None:
    async with JournalWriter(journal) as writer:
        await writer.intend(record(0))

        assert open_read_only(path).counts() == {INTENT: 1}


async def test_intents_that_come_together_share_a_commit(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    commit = journal.commit
    monkeypatch.setattr(journal, "commit", lambda *batch: (sizes.append(len(batch[0])), commit(*batch)))

    async with JournalWriter(journal) as writer:
        await asyncio.gather(*(writer.intend(record(number)) for number in range(100)))

    assert sizes == [100]


async def test_outcomes_follow_by_themselves_within_the_lag(journal: Journal, path: Path) -> None:
    async with JournalWriter(journal) as writer:
        writer.settle(record(0, Outcome.APPLIED))
        assert open_read_only(path).counts() == {}
        async with asyncio.timeout(5):
            while not open_read_only(path).counts():
                await asyncio.sleep(0.01)


async def test_a_record_that_changes_later_is_kept_as_it_was(journal: Journal) -> None:
    row = record(0, Outcome.APPLIED)
    async with JournalWriter(journal) as writer:
        writer.settle(row)
        row.state = INTENT

    assert journal.counts() == {Outcome.APPLIED: 1}


async def test_leaving_the_block_writes_what_is_left(journal: Journal) -> None:
    attempt = Attempt(
        plan_row_id=0, attempt=1, epoch=1, sent_at=1, ended_at=2, kind="Lost", http=None, tw_code=None,
        request_id=None,
    )  # fmt: skip
    async with JournalWriter(journal) as writer:
        writer.settle(record(0, Outcome.APPLIED), attempt)

    assert journal.counts() == {Outcome.APPLIED: 1}
    assert journal._connection.execute("SELECT count(*) FROM attempt").fetchone() == (1,)


async def test_an_intent_that_cannot_be_kept_raises_and_so_does_everything_after_it(
    journal: Journal, path: Path
) -> None:
    open_journal(path).close()

    with pytest.raises(Locked):
        async with JournalWriter(journal) as writer:
            with pytest.raises(Locked):
                await writer.intend(record(0))
            with pytest.raises(Locked):
                writer.settle(record(1, Outcome.APPLIED))
            with pytest.raises(Locked):
                await writer.flush()


async def test_an_error_in_the_block_is_not_hidden_by_the_journal(journal: Journal, path: Path) -> None:
    open_journal(path).close()

    with pytest.raises(ValueError, match="first"):
        async with JournalWriter(journal) as writer:
            writer.settle(record(0))
            raise ValueError("first")
