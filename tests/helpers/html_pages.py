"""Pages that have to work from disk, without a script and without the network."""

from html.parser import HTMLParser


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        names = {"href", "src", "srcset", "xlink:href", "action"}
        self.addresses += [value or "" for name, value in attrs if name in names]


def assert_self_contained(html: str) -> None:
    page = _Page()
    page.feed(html)
    assert not page.tags & {"script", "link", "iframe", "img", "object", "embed", "form"}
    assert all(address.startswith("#") for address in page.addresses)
    assert "url(" not in html
    assert "@import" not in html
