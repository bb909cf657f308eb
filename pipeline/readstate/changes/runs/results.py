"""The outcome of every line of a plan: ``results.parquet``, ``results.csv``, and files of the rows to plan again.

``failed.csv``, ``drifted.csv`` and ``unknown.csv`` are changes files again: with the same columns, by SID.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import IO, Any, BinaryIO

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from readstate.changes.plans.reader import Plan
from readstate.changes.plans.schema import to_columns
from readstate.changes.runs.journal import Journal
from readstate.changes.runs.row_record import INTENT, PENDING, RowRecord, micros, moment
from readstate.disk.files import atomic_write
from readstate.model.change import Disposition
from readstate.model.outcome import OUTCOMES, Outcome
from readstate.model.plan import PlanRow
from readstate.text import escape_formula, format_moment

_MOMENT = pa.timestamp("us", tz="UTC")
_COLUMNS: dict[str, pa.DataType] = {
    "run_id": pa.string(), "plan_id": pa.string(), "plan_row_id": pa.int64(), "input_line": pa.int64(),
    "row_key": pa.string(), "user_sid": pa.string(), "conversation_sid": pa.string(), "participant_sid": pa.string(),
    "op": pa.string(), "outcome": pa.string(), "outcome_by": pa.string(), "reason_code": pa.string(),
    "before_index": pa.int64(), "before_timestamp": _MOMENT, "before_level": pa.string(),
    "sent_index": pa.int64(), "sent_timestamp": _MOMENT, "sent_level": pa.string(),
    "observed_index": pa.int64(), "observed_timestamp": _MOMENT, "observed_level": pa.string(),
    "observed_at": _MOMENT, "attempts": pa.int32(), "retries_429": pa.int32(), "retries_ambiguous": pa.int32(),
    "http_status": pa.int32(), "twilio_code": pa.int32(), "twilio_message": pa.string(), "request_id": pa.string(),
    "first_sent_at": _MOMENT, "settled_at": _MOMENT, "latency_ms": pa.int64(), "race_window_ms": pa.int64(),
    "undo_class": pa.string(), "next_action": pa.string(),
}  # fmt: skip
RESULTS = pa.schema(list(_COLUMNS.items()))
"""One column for each answer; rows stand in the order of the plan."""

INPUT_COLUMNS = (
    "user", "conversation", "op", "last_read_message_index", "last_read_timestamp", "notification_level", "row_key",
    "note",
)  # fmt: skip

_ROWS_AT_ONCE = 8_192
_BATCHES_IN_A_GROUP = 8


def write_results(plan: Plan, journal: Journal, directory: Path, *, excel: bool = False) -> None:
    """Write every row of *plan* with its record in *journal* into *directory*.

    Each file is written atomically. In CSV, texts that a spreadsheet would compute are escaped, as changes files may
    be; *excel* adds a byte order mark to ``results.csv``. Raise `LocalDisk`.
    """
    with ExitStack() as stack:
        table = stack.enter_context(_result_file(directory / "results.parquet"))
        parquet = _Parquet(stack.enter_context(pq.ParquetWriter(table, RESULTS, compression="zstd")))
        results = _csv(directory / "results.csv", stack, RESULTS.names, excel=excel)
        again = {
            name: _csv(directory / name, stack, INPUT_COLUMNS, excel=False)
            for name in sorted({facts.file for facts in OUTCOMES.values() if facts.file})
        }
        for row, record in paired(plan, journal):
            line = _line(journal.header.run_id, plan.manifest.plan_id, row, record)
            outcome = line[_OUTCOME]
            parquet.write(line)
            results.write(line)
            if (facts := OUTCOMES.get(outcome)) is not None and facts.file is not None:
                again[facts.file].write(_as_input(row))
        parquet.finish()
    write_audit(journal, directory)


def outcome_of(row: PlanRow, record: RowRecord | None) -> Outcome:
    """Return the outcome of *row*, for which the journal has *record*."""
    if not Disposition(row.disposition).is_executable:
        return Outcome.NOT_PLANNED
    if record is None or record.state == PENDING:
        return Outcome.CANCELLED
    return Outcome.UNKNOWN if record.state == INTENT else Outcome(record.state)


def paired(plan: Plan, journal: Journal) -> Iterator[tuple[PlanRow, RowRecord | None]]:
    """Yield every row of *plan* with its record: a merge join by plan_row_id, in which both are ordered.

    Raise `Damaged` where the journal has a record of a row that the plan does not have.
    """
    records = journal.records()
    record = next(records, None)
    for row in plan.rows():
        if record is not None and record.plan_row_id == row.plan_row_id:
            yield row, record
            record = next(records, None)
        else:
            yield row, None
    if record is not None:
        raise journal.damaged(f"the plan has no row {record.plan_row_id}")


_OUTCOME = RESULTS.names.index("outcome")


def _line(run_id: str, plan_id: str, row: PlanRow, record: RowRecord | None) -> tuple[Any, ...]:
    known = record or RowRecord(plan_row_id=row.plan_row_id)
    outcome = outcome_of(row, record)
    sent = known.attempts > 0
    before = (known.before_index, known.before_timestamp, known.before_level)
    if not sent:
        read_at = row.before_timestamp
        before = (row.before_index, None if read_at is None else micros(read_at), row.before_level)
    return (
        run_id, plan_id, row.plan_row_id, row.input_line, row.row_key, row.user_sid, row.conversation_sid,
        row.participant_sid, row.op, outcome, known.outcome_by, known.reason_code or row.reason_code, *before,
        known.sent_index, known.sent_timestamp, known.sent_level, known.observed_index, known.observed_timestamp,
        known.observed_level, known.observed_at, known.attempts, known.retries_429, known.retries_ambiguous,
        known.http_status, known.twilio_code, known.twilio_message, known.request_id,
        known.first_sent_at or (known.intent_at if sent else None), known.settled_at, known.latency_ms,
        known.race_window_ms, row.undo_class, OUTCOMES[outcome].next_action if outcome in OUTCOMES else None,
    )  # fmt: skip


def _as_input(row: PlanRow) -> tuple[Any, ...]:
    """*row* as a line of a changes file: the same change, by SID, with numbers in the place of ``@latest``."""
    return (
        row.user_sid, row.conversation_sid, row.op, row.set_index,
        None if row.set_timestamp is None else format_moment(row.set_timestamp), row.set_level, row.row_key,
        row.note,
    )  # fmt: skip


class _Parquet:
    """A Parquet file of results in large groups of rows: what is known of each group stays in memory to the end."""

    def __init__(self, writer: pq.ParquetWriter) -> None:
        self._writer = writer
        self._lines: list[tuple[Any, ...]] = []
        self._batches: list[pa.RecordBatch] = []

    def write(self, line: tuple[Any, ...]) -> None:
        self._lines.append(line)
        if len(self._lines) == _ROWS_AT_ONCE:
            self._batches.append(to_columns(self._lines, RESULTS))
            self._lines = []
            if len(self._batches) == _BATCHES_IN_A_GROUP:
                self._write_group()

    def finish(self) -> None:
        self._batches.append(to_columns(self._lines, RESULTS))
        self._write_group()

    def _write_group(self) -> None:
        # Each row group costs memory until the file is closed, so that many small ones would grow with the plan.
        group = pa.Table.from_batches(self._batches, RESULTS)
        self._writer.write_table(group, row_group_size=len(group) or None)
        self._batches = []


class _Csv:
    """A CSV file of results; times as RFC 3339, nothing as an empty cell, no formulas."""

    def __init__(self, file: IO[str], header: Sequence[str], *, excel: bool) -> None:
        self._writer = csv.writer(file)
        self._times = [at for at, name in enumerate(header) if _COLUMNS.get(name) == _MOMENT]
        if excel:
            file.write("\ufeff")
        self._writer.writerow(header)

    def write(self, line: Sequence[Any]) -> None:
        cells = list(line)
        for at in self._times:
            if cells[at] is not None:
                cells[at] = moment(cells[at]).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
        self._writer.writerow([escape_formula(cell) if isinstance(cell, str) else cell for cell in cells])


def _csv(path: Path, stack: ExitStack, header: Sequence[str], *, excel: bool) -> _Csv:
    binary = stack.enter_context(_result_file(path))
    text = io.TextIOWrapper(binary, encoding="utf-8", newline="")
    stack.callback(text.detach)
    return _Csv(text, header, excel=excel)


def _result_file(path: Path) -> AbstractContextManager[BinaryIO]:
    again = f"The journal has everything. To write the results again:  readstate resume {path.parent.name}"
    return atomic_write(path, hint=again)


def write_audit(journal: Journal, directory: Path, *, counts: dict[str, int] | None = None) -> None:
    """Write the header of the run, its events, and *counts* where given, into ``audit.jsonl``: one document a line."""
    with _result_file(directory / "audit.jsonl") as file:
        header = {"kind": "run", **msgspec.structs.asdict(journal.header)}
        file.write(msgspec.json.encode(header) + b"\n")
        for event in journal.events():
            file.write(msgspec.json.encode(event) + b"\n")
        if counts is not None:
            file.write(msgspec.json.encode({"kind": "counts", "counts": counts}) + b"\n")
