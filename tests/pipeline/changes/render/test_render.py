"""What a person sees of a plan: everything that matters, and nothing that text from outside could do."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from markdown_it import MarkdownIt

from readstate.changes.plans.reader import Plan
from readstate.changes.render.html import render_html
from readstate.changes.render.json_document import plan_document, render_json
from readstate.changes.render.markdown import MOST_ROWS, render_markdown
from readstate.changes.render.summary import SAMPLES, Summary, row_of, sample, select, summarize
from readstate.changes.render.text import render_rows, render_text
from readstate.changes.render.wording import cost
from readstate.model.guards import Consent
from readstate.text import short_sid
from tests.helpers.plans import plan_row, removal_row, skipped_row, written_plan

EVIL = "<script>alert(1)</script>|`x`[a](javascript:b)\x1b[2J\u202eevil@here"


def everything(folder: Path) -> Plan:
    return written_plan(
        folder,
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
def summary(tmp_path: Path) -> Summary:
    plan = everything(tmp_path)
    return summarize(plan, sample(plan))


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


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"href", "src", "action", "srcset"}]


def test_the_page_needs_nothing_from_outside_and_runs_nothing(summary: Summary) -> None:
    html = render_html(summary)
    page = _Page()
    page.feed(html)

    assert not {"script", "link", "img", "iframe", "form", "object"} & set(page.tags)
    assert all(address.startswith("#") for address in page.addresses)
    assert "url(" not in html
    assert "@import" not in html
    assert "default-src 'none'" in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "prefers-color-scheme: dark" in html
    assert 'name="viewport"' in html


def test_the_page_shows_changes_guards_and_what_is_left_out(summary: Summary) -> None:
    html = render_html(summary)

    assert '<span class="from">3</span> <span class="after">→ <span class="to">8</span></span>' in html
    assert "--confirm-deletes 1" in html
    assert "webhook receivers" in html


def test_markdown_shows_text_from_outside_as_text(summary: Summary) -> None:
    markdown = render_markdown(summary)
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown)

    assert "<script>" not in html
    assert "<a " not in html
    assert "&lt;script&gt;" in html
    rows = re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)
    assert {row.count("<td") for row in rows if "<td" in row} == {4}
    assert "@here" not in markdown


def test_markdown_is_short_enough_for_a_comment(tmp_path: Path) -> None:
    plan = written_plan(tmp_path, *map(plan_row, range(200)))

    markdown = render_markdown(summarize(plan, sample(plan)))

    assert f"{MOST_ROWS} of 200 rows" in markdown
    assert len(markdown) < 20_000


def test_machines_get_counts_guards_and_rows(summary: Summary) -> None:
    document = json.loads(render_json(summary))

    assert document["plan_dir"] == str(summary.plan.directory)
    assert document["plan_id"] == summary.plan.directory.name
    assert document["counts"]["update"] == 4
    assert {guard["name"]: guard["needs"] for guard in document["guards"]}["confirm-deletes"] == "--confirm-deletes 1"
    assert len(document["shown_rows"]) == 12
    assert "shown_rows" not in plan_document(summary)


def test_a_given_consent_changes_what_the_guards_say(tmp_path: Path) -> None:
    plan = written_plan(tmp_path, removal_row(0))

    agreed = summarize(plan, [], Consent(confirm_deletes=1))

    assert all(guard.passed for guard in agreed.guards)


def test_every_rendering_says_what_cannot_be_taken_back(summary: Summary) -> None:
    for rendered in (render_text(summary), render_markdown(summary), render_html(summary)):
        assert "2 of 5 changes cannot be taken back, or only in part" in rendered


def test_a_plan_that_can_be_undone_says_nothing_of_undo(tmp_path: Path) -> None:
    assert "Undo" not in render_text(summarize(written_plan(tmp_path, plan_row(0)), []))


def test_a_sample_is_capped_and_the_counts_are_whole(tmp_path: Path) -> None:
    plan = written_plan(tmp_path, *(skipped_row(number, "noop", "SAME") for number in range(100)), plan_row(100))

    rows = sample(plan)
    html = render_html(summarize(plan, rows))

    assert [row.disposition for row in rows] == ["update", *["noop"] * SAMPLES["noop"]]  # type: ignore[index]
    assert sum(SAMPLES.values()) == 2000
    assert "and 75 more" in html


def test_rows_are_selected_by_kind_direction_or_reason(tmp_path: Path) -> None:
    plan = everything(tmp_path)

    assert [row.plan_row_id for row in select(plan, {"delete", "rewind"}, limit=9)] == [2, 4, 5]
    assert [row.plan_row_id for row in select(plan, {"same"}, limit=2)] == [7, 8]
    assert [row.plan_row_id for row in row_of(plan, 4)] == [4]
    assert row_of(plan, 99) == []


def test_sids_are_shortened_and_names_are_not() -> None:
    assert short_sid("US" + "a" * 28 + "4f2a") == "US…4f2a"
    assert short_sid("alice@example.com") == "alice@example.com"


def test_the_cost_is_told_in_words(summary: Summary) -> None:
    estimate = msgspec.structs.replace(summary.manifest.request_estimate, apply_seconds=100_000)
    manifest = msgspec.structs.replace(summary.manifest, request_estimate=estimate)

    assert "about 27 h 46 min at 30 changes a second" in cost(
        replace(summary, plan=replace(summary.plan, manifest=manifest))
    )
