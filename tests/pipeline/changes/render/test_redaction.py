"""A redacted plan shows every change and nobody's name."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from readstate.changes.plans.reader import Plan
from readstate.changes.render.html import render_html
from readstate.changes.render.json_document import render_json
from readstate.changes.render.markdown import render_markdown
from readstate.changes.render.redaction import REDACT, Redaction, redacted_manifest, redacted_row
from readstate.changes.render.summary import sample, summarize
from readstate.changes.render.text import render_rows, render_text
from readstate.model.selection import SELECTION
from tests.helpers.plans import plan_row, skipped_row, written_plan

NAMES = ("ann@home", "team-ann", "ticket of ann", "key of ann", "GET /v1/Users/ann%40home", "nobody@home")


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return written_plan(
        tmp_path,
        plan_row(0, user_input="ann@home", conversation_input="team-ann", note="ticket of ann", row_key="key of ann"),
        skipped_row(1, "read_error", "UNREADABLE", user_input="ann@home", user_sid=None,
                    reason_detail="GET /v1/Users/ann%40home answered 500"),
        skipped_row(2, "not_found", "USER_NOT_FOUND", user_input="nobody@home", conversation_input="team-ann",
                    user_sid=None, conversation_sid=None),
        skipped_row(3, "blocked", "REWIND", reason_detail="9 -> 4"),
    )  # fmt: skip


@pytest.mark.parametrize("render", [render_json, render_markdown, render_html, render_text])
def test_no_rendering_tells_a_name_and_every_one_tells_the_change(render: Any, plan: Plan) -> None:
    open_summary = summarize(plan, sample(plan))
    closed_summary = summarize(plan, sample(plan), redaction=Redaction.IDENTITIES)
    unescape = str.maketrans({"\\": "", "\u200b": ""})
    shown, hidden = (
        render(summary).translate(unescape) + render_rows(summary.rows) for summary in (open_summary, closed_summary)
    )

    assert [name for name in NAMES if name not in shown] in ([], ["key of ann"])
    assert [name for name in NAMES if name in hidden] == []
    assert "last_read_message_index" in hidden
    assert "*** (user)" in hidden
    assert "*** (conversation)" in hidden
    assert closed_summary.rows[0].user_input == f"US{0:032x}"
    assert "9 -> 4" in hidden


def test_the_wish_of_the_author_holds_unless_somebody_says_otherwise(plan: Plan) -> None:
    asked = Plan(plan.directory, replace(plan.manifest, options={REDACT: "identities"}))
    rows = sample(plan)

    assert "ann@home" not in render_text(summarize(asked, rows))
    assert "ann@home" in render_text(summarize(asked, rows, redaction=Redaction.NOTHING))


def test_sids_are_no_names_and_what_is_read_with_them_may_be_told() -> None:
    row = skipped_row(5, "read_error", "UNREADABLE", user_input=f"US{5:032x}", reason_detail="GET answered 500")

    assert redacted_row(row) == row


def test_a_condition_that_somebody_typed_is_hidden_and_the_others_stay(plan: Plan) -> None:
    conditions = {"where": "identity = 'ann@home'", "muted": True}
    manifest = replace(plan.manifest, options={SELECTION: {"source": "live", "conditions": conditions}})

    hidden = redacted_manifest(manifest).options[SELECTION]

    assert hidden == {"source": "live", "conditions": {"where": "***", "muted": True}}
    assert redacted_manifest(plan.manifest) is plan.manifest
