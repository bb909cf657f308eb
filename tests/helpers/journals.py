"""Journals of runs that never were."""

from datetime import UTC, datetime
from typing import Any

from readstate.changes.plans.reader import Plan
from readstate.changes.runs.journal_entries import RunHeader
from readstate.changes.runs.row_record import INTENT, RowRecord

NOW = datetime(2026, 11, 23, 14, 0, 0, 123456, tzinfo=UTC)


def header(**changes: Any) -> RunHeader:
    values: dict[str, Any] = {
        "run_id": "r-1", "plan_id": "p-1", "plan_dir": "plans/p-1", "rows_sha256": "0" * 64,
        "account_sid": "AC" + "1" * 32, "service_sid": "IS" + "2" * 32, "base_url": "http://127.0.0.1",
        "executable": 3, "started_at": NOW, "tool_version": "0", "who": {}, "argv": [], "consent": {}, "options": {},
    }  # fmt: skip
    return RunHeader(**(values | changes))


def header_of(plan: Plan, **changes: Any) -> RunHeader:
    manifest = plan.manifest
    values: dict[str, Any] = {
        "plan_id": manifest.plan_id, "plan_dir": str(plan.directory), "rows_sha256": manifest.rows_sha256,
        "account_sid": manifest.account_sid, "service_sid": manifest.service_sid, "base_url": manifest.base_url,
        "executable": manifest.guard_inputs.updates + manifest.guard_inputs.deletes,
    }  # fmt: skip
    return header(**values | changes)


def record(number: int, state: str = INTENT, **changes: Any) -> RowRecord:
    return RowRecord(plan_row_id=number, state=state, **changes)
