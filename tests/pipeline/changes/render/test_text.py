from pathlib import Path

from readstate.changes.render.html import render_html
from readstate.changes.render.markdown import render_markdown
from readstate.changes.render.summary import Summary, summarize
from readstate.changes.render.text import render_rows, render_text
from tests.helpers.plans import plan_row, written_plan


def test_text_tells_each_field_before_and_after(summary: Summary) -> None:
    text = render_text(summary, examples=50)

    assert "last_read_message_index 3 -> 8" in text
    assert "last_read_message_index (never set) -> 8" in text
    assert "last_read_timestamp (never set) -> 2026-01-01T00:00:00Z" in text
    assert "notification_level default -> muted" in text
    assert "makes read messages unread again" in text
    assert "removes member MB" in text
    assert "! REWIND" not in text
    assert "REWIND 1 (line 7)" in text
    assert "SAME 5 (lines 9, 10, 11, …)" in text
    assert "needs --confirm-deletes 1" in text


def test_examples_show_every_kind_and_not_too_many(summary: Summary) -> None:
    text = render_text(summary, examples=4)
    shown = text.split("Examples\n")[1].split("\n\nGuards")[0].splitlines()

    assert [line[1] for line in shown] == ["~", "-", "!", "?"]
    assert "Examples" not in render_text(summary, examples=0)


def test_nothing_in_the_text_moves_a_cursor(summary: Summary) -> None:
    for rendered in (render_text(summary, examples=50), render_rows(summary.rows), render_markdown(summary)):
        assert "\x1b" not in rendered
        assert "\u202e" not in rendered
        assert "\\x1b" in rendered


def test_every_rendering_says_what_cannot_be_undone_and_what_it_costs(summary: Summary) -> None:
    for rendered in (render_text(summary), render_markdown(summary), render_html(summary)):
        assert "2 of 5 changes cannot be undone, or only in part" in rendered
    assert "about 0.2 s at 30 changes a second" in render_text(summary)


def test_a_plan_that_can_be_undone_says_nothing_of_undo(tmp_path: Path) -> None:
    assert "Undo" not in render_text(summarize(written_plan(tmp_path, plan_row(0)), []))
