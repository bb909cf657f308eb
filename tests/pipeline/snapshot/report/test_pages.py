"""The page of a date and the index of all dates, in a folder and in a bucket."""

import re
from datetime import date
from pathlib import Path

import pytest

from readstate.snapshot.report.pages import write_pages
from tests.helpers.html_pages import assert_self_contained
from tests.helpers.snapshots import publish, row

DAYS = [date(2026, 11, 20), date(2026, 11, 21), date(2026, 11, 23)]


@pytest.fixture
def root(tmp_path: Path) -> str:
    for place, day in enumerate(DAYS):
        publish(tmp_path / "root", day, [row(user, 1) for user in range(place + 1)])
    return str(tmp_path / "root")


def linked(page: Path) -> list[str]:
    return re.findall(r'href="([^"]*)"', page.read_text(encoding="utf-8"))


def test_every_night_adds_a_page_to_the_index(root: str, tmp_path: Path) -> None:
    pages = tmp_path / "pages"

    write_pages(root, DAYS[0], str(pages), show_pii=False)
    assert linked(pages / "index.html") == ["index.csv", "2026-11-20.html"]
    write_pages(root, None, str(pages), show_pii=False)
    assert linked(pages / "index.html") == ["index.csv", "2026-11-23.html", "2026-11-20.html"]

    assert linked(pages / "2026-11-23.html") == ["index.html", "2026-11-23.csv"]
    assert all((pages / name).exists() for page in pages.glob("*.html") for name in linked(page))
    assert "unread messages by day,2026-11-23,unread messages,9" in (pages / "index.csv").read_text(encoding="utf-8")


def test_the_index_has_every_date_the_newest_first(root: str, tmp_path: Path) -> None:
    write_pages(root, None, str(tmp_path), show_pii=False)

    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "<h1>3 snapshots from 2026-11-20 to 2026-11-23</h1>" in page
    nights = re.findall(
        r"<tr><td class=\"nowrap\">(?:<a[^>]*>)?([^<]*).*?</td>(.*?)</tr>", page.split("<h2>Snapshots")[1]
    )
    assert [(day, re.findall(r">([^<]*)</td>", rest)[:2]) for day, rest in nights] == [
        ("2026-11-23", ["3", "+1"]),
        ("2026-11-21", ["2", "+1"]),
        ("2026-11-20", ["1", ""]),
    ]
    assert_self_contained(page.replace('href="', 'href="#'))


def test_a_single_empty_snapshot_has_an_index_too(tmp_path: Path) -> None:
    publish(tmp_path / "root", DAYS[0], [])

    write_pages(str(tmp_path / "root"), None, str(tmp_path), show_pii=False)
    assert "<h1>1 snapshot of 2026-11-20</h1>" in (tmp_path / "index.html").read_text(encoding="utf-8")
