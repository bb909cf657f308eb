"""Plans without a Twilio: rows and manifests with harmless values."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from readstate.changes.current_state.target import TargetInfo
from readstate.changes.planning.make_plan import Provenance, finish_plan
from readstate.changes.planning.options import PlanOptions
from readstate.changes.plans.reader import Plan
from readstate.changes.plans.writer import REJECTS, PlanWriter
from readstate.model.membership import Present, Unknown
from readstate.model.plan import InputFacts, Planner, PlanRow, Target

NOW = datetime(2026, 11, 23, 14, tzinfo=UTC)
TARGET = Target(account_sid="AC" + "1" * 32, service_sid="IS" + "2" * 32, base_url="https://conversations.twilio.com")


def plan_row(number: int, **changes: Any) -> PlanRow:
    """Row *number*: an index that goes from 3 to 8, unless *changes* say otherwise."""
    row = PlanRow(
        plan_row_id=number, input_line=number + 2, input_line_end=number + 2, row_key=None, note=None,
        user_input=f"user-{number}", conversation_input=f"CH{number:032x}", user_sid=f"US{number:032x}",
        conversation_sid=f"CH{number:032x}", participant_sid=f"MB{number:032x}", op="update", disposition="update",
        reason_code=None, reason_detail=None, direction="advance", fields_mask=1, before_index=3,
        before_timestamp=None, before_level="default", unread_before=5,
        conversation_state="active", newest_index=8, read_at=NOW, read_source="list", set_index=8, set_timestamp=None,
        set_level=None, pre_kind="advance", pre_index=3, pre_level=None, pre_participant_sid=f"MB{number:032x}",
        user_expect_json=None, undo_class="full", undo_note=None,
    )  # fmt: skip
    return replace(row, **changes)


def removal_row(number: int, **changes: Any) -> PlanRow:
    return plan_row(
        number, op="delete", disposition="delete", direction="-", fields_mask=0, set_index=None, pre_kind="member",
        pre_index=None, undo_class="none", undo_note="adding the user again makes a new member", **changes,
    )  # fmt: skip


def skipped_row(number: int, disposition: str, reason: str, **changes: Any) -> PlanRow:
    return plan_row(
        number, disposition=disposition, reason_code=reason, direction="-", fields_mask=0, set_index=None,
        pre_kind="none", pre_index=None, pre_participant_sid=None, undo_class=None, **changes,
    )  # fmt: skip


def provenance(*, via: str = "csv", **facts: Any) -> Provenance:
    plain: dict[str, Any] = {"name": "changes.csv", "sha256": "e" * 64, "header": ("user", "conversation"), "rows": 1}
    return Provenance(
        planner=Planner(os_user="ann", host="desk"),
        tool_version="0",
        api_key_sid_suffix="6789",
        via=via,
        input=InputFacts(**plain | facts),
    )


def written_plan(
    root: Path, *rows: PlanRow, name: str = "changes.csv", rejects: bytes | None = None, now: datetime = NOW
) -> Plan:
    """A sealed plan of *rows* under *root*, made at *now*; users have four conversations each."""
    with PlanWriter(root) as writer:
        if rejects is not None:
            (writer.directory / REJECTS).write_bytes(rejects)
        for row in rows:
            writer.add(row, b'{"sid":"MB"}' if row.disposition == "delete" else None)
        return finish_plan(
            writer, lambda _: 4, options=PlanOptions(), target_info=TargetInfo(TARGET, timedelta(), requests=2),
            provenance=provenance(name=name, rows=len(rows)), now=now, requests=3,
        )  # fmt: skip


def equals_row(**changes: Any) -> PlanRow:
    """An update that must find the values from the plan."""
    fields = {"pre_kind": "equals", "set_level": "muted", "pre_level": "default", "fields_mask": 5}
    return plan_row(1, **(fields | changes))


def present(index: int | None = 3, level: str | None = "default", **changes: Any) -> Present:
    """The membership of row 1, as it is now."""
    values: dict[str, Any] = {
        "user_sid": f"US{1:032x}", "conversation_sid": f"CH{1:032x}", "participant_sid": f"MB{1:032x}",
        "last_read_message_index": index, "notification_level": level, "conversation_state": "active",
        "newest_message_index": Unknown(), "last_read_timestamp": Unknown(),
    }  # fmt: skip
    return Present(**(values | changes))
