from pathlib import Path

from readstate.changes.render.html import render_html
from readstate.changes.render.summary import Summary, sample, summarize
from tests.helpers.html_pages import assert_self_contained
from tests.helpers.plans import plan_row, written_plan


def test_the_page_needs_nothing_from_outside_and_runs_nothing(summary: Summary) -> None:
    html = render_html(summary)

    assert_self_contained(html)
    assert "default-src 'none'" in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "prefers-color-scheme: dark" in html
    assert 'name="viewport"' in html


def test_the_page_shows_changes_guards_and_what_is_left_out(summary: Summary) -> None:
    html = render_html(summary)

    assert '<span class="from">3</span> <span class="after">→ <span class="to">8</span></span>' in html
    assert "<h1>4 updates and 1 removal planned, 1 guard not passed</h1>" in html
    assert "--confirm-deletes 1" in html
    assert "whether a webhook rejects" in html


def test_what_all_rows_have_in_common_is_said_once(tmp_path: Path) -> None:
    rows = (plan_row(number, undo_class="partial", undo_note="cannot be cleared") for number in range(541))
    plan = written_plan(tmp_path, *rows)

    html = render_html(summarize(plan, sample(plan)))

    assert html.count('<span class="from">3</span>') == 541
    assert html.count('scope="col">last_read_message_index') == 1
    assert html.count("cannot be cleared") == 1
