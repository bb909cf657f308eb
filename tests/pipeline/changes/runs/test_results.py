import csv
import json
import stat
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from readstate.changes.plans.reader import Plan
from readstate.changes.runs.journal import create_journal, open_read_only
from readstate.changes.runs.results import RESULTS, outcome_of, write_results
from readstate.changes.runs.row_record import INTENT, PENDING, micros
from readstate.errors import LocalDisk
from readstate.model.outcome import Outcome, OutcomeSource
from tests.helpers.journals import header, record
from tests.helpers.linted import Linted
from tests.helpers.plans import NOW, plan_row, removal_row, skipped_row, written_plan

COLUMNS = (
    "run_id, plan_id, plan_row_id, input_line, row_key, user_sid, conversation_sid, participant_sid, op, outcome, "
    "outcome_by, reason_code, before_index, before_timestamp, before_level, sent_index, sent_timestamp, sent_level, "
    "observed_index, observed_timestamp, observed_level, observed_at, attempts, retries_429, retries_ambiguous, "
    "http_status, twilio_code, twilio_message, request_id, first_sent_at, settled_at, latency_ms, race_window_ms, "
    "undo_class, next_action"
)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    rows = [
        plan_row(0, row_key="=1+1"), plan_row(1), plan_row(2), removal_row(3), plan_row(4), plan_row(5),
        skipped_row(6, "blocked", "REWIND"), plan_row(7), plan_row(8, set_level="muted", fields_mask=5),
    ]  # fmt: skip
    return written_plan(tmp_path / "plans", *rows)


@pytest.fixture
def written(plan: Plan, tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    journal = create_journal(folder / "journal.sqlite", header(plan_id=plan.manifest.plan_id))
    journal.commit(
        [
            record(0, Outcome.APPLIED, attempts=1, sent_index=8, before_index=5, outcome_by=OutcomeSource.RESPONSE,
                   settled_at=micros(NOW), intent_at=micros(NOW)),
            record(1, Outcome.REJECTED, twilio_message="no", http_status=400),
            record(2, Outcome.DRIFTED),
            record(3, INTENT, attempts=1),
            record(4, Outcome.UNKNOWN),
            record(5, PENDING),
            record(8, Outcome.SUPERSEDED),
        ]
    )  # fmt: skip
    journal.record_event("started", NOW)
    write_results(plan, journal, folder)
    journal.close()
    return folder


def lines(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_line_of_the_plan_has_one_result_in_its_place(written: Path) -> None:
    table = pq.read_table(written / "results.parquet")

    assert table.schema.names == COLUMNS.split(", ")
    assert table.schema.equals(RESULTS)
    assert table.column("plan_row_id").to_pylist() == list(range(9))
    assert table.column("outcome").to_pylist() == [
        "applied", "rejected", "drifted", "unknown", "unknown", "cancelled", "not_planned", "cancelled", "superseded",
    ]  # fmt: skip
    assert [line["outcome"] for line in lines(written / "results.csv")] == table.column("outcome").to_pylist()
    # As read right before the write, or in the plan where nothing was sent.
    assert table.column("before_index").to_pylist()[:2] == [5, 3]


def test_times_are_rfc_3339_and_files_are_private(written: Path) -> None:
    assert lines(written / "results.csv")[0]["settled_at"] == "2026-11-23T14:00:00.000000Z"
    assert {stat.S_IMODE(path.stat().st_mode) for path in written.glob("*.csv")} == {0o600}
    assert not list(written.glob(".*"))


@pytest.mark.parametrize(("name", "numbers"), [("failed.csv", [1]), ("drifted.csv", [2, 8]), ("unknown.csv", [3, 4])])
def test_rows_to_look_at_again_are_a_changes_file(written: Path, name: str, numbers: list[int]) -> None:
    linted = Linted((written / name).read_bytes())

    assert (linted.staged is not None, linted.problems) == (True, [])
    assert [line["user"] for line in lines(written / name)] == [f"US{number:032x}" for number in numbers]


def test_a_file_to_look_at_again_asks_for_the_same(written: Path) -> None:
    asked = lines(written / "drifted.csv")

    assert [(line["last_read_message_index"], line["notification_level"]) for line in asked] == [
        ("8", ""),
        ("8", "muted"),
    ]
    assert lines(written / "unknown.csv")[0]["op"] == "delete"


def test_results_have_no_formulas_and_failed_rows_are_read_as_they_were(plan: Plan, written: Path) -> None:
    assert lines(written / "results.csv")[0]["row_key"] == "'=1+1"
    assert pq.read_table(written / "results.parquet")["row_key"][0].as_py() == "=1+1"

    journal = open_read_only(written / "journal.sqlite")
    write_results(plan, journal, written, excel=True)
    journal.close()

    assert (written / "results.csv").read_text(encoding="utf-8").startswith("\ufeff")


def test_the_audit_tells_who_and_what_happened(written: Path) -> None:
    first, second = [json.loads(line) for line in (written / "audit.jsonl").read_text().splitlines()]

    assert (first["kind"], first["run_id"]) == ("run", "r-1")
    assert second["kind"] == "started"


def test_results_that_cannot_be_written_leave_the_old_ones_alone(plan: Plan, written: Path) -> None:
    old = (written / "results.csv").read_bytes()
    (written / "failed.csv").unlink()
    (written / "failed.csv").mkdir()
    (written / "failed.csv" / "x").touch()
    journal = open_read_only(written / "journal.sqlite")

    with pytest.raises(LocalDisk, match=f"readstate resume {written.name}"):
        write_results(plan, journal, written)

    assert (written / "results.csv").read_bytes() == old
    journal.close()


def test_a_row_without_a_record_was_never_sent() -> None:
    assert outcome_of(plan_row(1), None) == Outcome.CANCELLED
    assert outcome_of(skipped_row(1, "noop", "SAME"), None) == Outcome.NOT_PLANNED
