from pathlib import Path

from readstate.changes.plans.reader import Plan
from readstate.changes.render.html import render_html
from readstate.changes.render.summary import SAMPLES, row_of, sample, select, summarize
from tests.helpers.plans import plan_row, skipped_row, written_plan


def test_a_sample_is_capped_and_the_counts_are_whole(tmp_path: Path) -> None:
    plan = written_plan(tmp_path, *(skipped_row(number, "noop", "SAME") for number in range(100)), plan_row(100))

    rows = sample(plan)
    html = render_html(summarize(plan, rows))

    assert [row.disposition for row in rows] == ["update", *["noop"] * SAMPLES["noop"]]  # type: ignore[index]
    assert sum(SAMPLES.values()) == 2000
    assert "and 75 more" in html


def test_rows_are_selected_by_kind_direction_or_reason(plan: Plan) -> None:
    assert [row.plan_row_id for row in select(plan, {"delete", "rewind"}, limit=9)] == [2, 4, 5]
    assert [row.plan_row_id for row in select(plan, {"same"}, limit=2)] == [7, 8]
    assert [row.plan_row_id for row in row_of(plan, 4)] == [4]
    assert row_of(plan, 99) == []
