from html.parser import HTMLParser

from readstate.changes.render.html import render_html
from readstate.changes.render.summary import Summary


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
