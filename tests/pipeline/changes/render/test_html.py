from readstate.changes.render.html import render_html
from readstate.changes.render.summary import Summary
from tests.helpers.html_pages import assert_self_contained


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
    assert "--confirm-deletes 1" in html
    assert "whether a webhook rejects" in html
