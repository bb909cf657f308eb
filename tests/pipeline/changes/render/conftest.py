from datetime import UTC, datetime
from pathlib import Path

import pytest

from readstate.changes.plans.reader import Plan
from readstate.changes.render.summary import Summary, sample, summarize
from tests.helpers.plans import plan_row, removal_row, skipped_row, written_plan

EVIL = "<script>alert(1)</script>|`x`[a](javascript:b)\x1b[2J\u202eevil@here"


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return written_plan(
        tmp_path,
        plan_row(0, user_input=EVIL, note=EVIL),
        plan_row(1, before_index=None, direction="first_set", undo_class="partial", undo_note="cannot be cleared"),
        plan_row(2, before_index=9, set_index=4, direction="rewind"),
        plan_row(
            3, fields_mask=6, before_level="default", set_level="muted", before_timestamp=None, set_index=None,
            set_timestamp=datetime(2026, 1, 1, tzinfo=UTC), direction="-",
        ),
        removal_row(4),
        skipped_row(5, "blocked", "REWIND", reason_detail="9 -> 4"),
        skipped_row(6, "not_found", "NOT_A_MEMBER"),
        *(skipped_row(number, "noop", "SAME") for number in range(7, 12)),
        name=EVIL,
    )  # fmt: skip


@pytest.fixture
def summary(plan: Plan) -> Summary:
    return summarize(plan, sample(plan))
