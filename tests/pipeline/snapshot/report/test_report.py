"""A report: the page is self-contained, escapes every text, and shows no name unless that is asked for."""

import html
import re
import shlex
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest
from msgspec.structs import replace

from readstate.snapshot.published.manifest import RequestCounts, ServiceUsers, TimelineWindow
from readstate.snapshot.query.catalog import open_catalog
from readstate.snapshot.query.query import run_query
from readstate.snapshot.report.report import Report, charts_of, make_report, render_html, render_markdown
from tests.helpers.browser import browse, needs_browser
from tests.helpers.html_pages import assert_self_contained
from tests.helpers.snapshots import SERVICE, publish, row, user_sid

OLD, NEW = date(2026, 11, 22), date(2026, 11, 23)
OTHER_SERVICE = "IS" + "2" * 32
EVIL = '<script>alert(1)</script>"|`**\x1b[31m'
BEGAN = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("report") / "root"
    publish(root, OLD, [row(1, 1, unread_messages_count=60), row(1, 2)], conversations=2)
    publish(
        root,
        NEW,
        [
            row(1, 1, unread_messages_count=0),
            row(1, 2, unread_messages_count=None, conversation_state=EVIL),
            row(2, 1, unread_messages_count=1000, identity=EVIL, friendly_name=EVIL),
            row(2, 4, unread_messages_count=1, conversation_state=None, notification_level="muted"),
            row(3, 5, unread_messages_count=12, chat_service_sid=OTHER_SERVICE, date_updated=None),
        ],
        failures=[{"reason": "GET … answered 502", "status": 502, "identity": "user 9"}],
        conversations=4,
        requests=RequestCounts(requests=3000, retries=4, throttled=30),
        timeline=tuple(
            TimelineWindow(BEGAN + timedelta(seconds=10 * number), 10.0, 10, number % 2, 0, number)
            for number in range(300)
        ),
    )
    return str(root)


@pytest.fixture(scope="module")
def report(root: str) -> Report:
    return make_report(root)


def test_the_changes_are_shown_unless_it_is_the_first_snapshot(root: str, report: Report) -> None:
    assert report.comparison is not None
    assert report.comparison.before.snapshot_date == OLD
    assert "Since 2026-11-22: 2 memberships changed" in render_html(report)
    assert "first snapshot" in render_html(make_report(root, OLD))
    assert "first snapshot" in render_markdown(make_report(root, OLD))


@pytest.mark.parametrize("render", [render_html, render_markdown])
def test_no_name_is_shown_unless_asked_for(render: object, report: Report) -> None:
    assert callable(render)
    plain, named = render(report), render(replace(report, show_pii=True))

    assert "Conversation 4" not in plain
    assert "user 3" not in plain
    assert "user 3" in named


def test_the_page_has_no_script_and_leads_nowhere(report: Report) -> None:
    assert_self_contained(render_html(replace(report, show_pii=True)))


def test_texts_of_users_stay_text(report: Report) -> None:
    shown = replace(report, show_pii=True)

    assert "<script" not in render_html(shown)
    assert "&lt;script&gt;" in render_html(shown)
    assert "\x1b" not in render_html(shown) + render_markdown(shown)
    rows = [line for line in render_markdown(shown).splitlines() if "alert" in line]
    assert rows
    assert all(re.search(r"(?<!\\)<script", line) is None for line in rows)
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 5 for line in rows)


def test_every_chart_has_a_title_axes_and_a_table(report: Report) -> None:
    page = render_html(report)
    figures = re.findall(r"<figure>.*?</figure>", page, re.DOTALL)

    assert len(figures) == 10
    for figure in figures:
        assert re.search(r"<figcaption>.+</figcaption>", figure)
        assert 'role="img"' in figure
        assert 'aria-label="Chart: ' in figure
        assert "<table>" in figure
        assert re.search(r"memberships|per second|requests|messages", figure)
    assert "1 memberships are at the cap" in figures[2]
    assert "30 of 3\u202f000 requests were refused" in figures[8]
    assert figures[8].count("<tr>") <= 121


def test_how_the_run_went_comes_last(report: Report) -> None:
    page = render_html(report)
    assert page.index("requests were refused") > page.index("How the run went") > page.index("What changed")


@pytest.mark.parametrize("windows", [0, 5])
def test_a_run_of_a_few_seconds_has_no_line_drawn(report: Report, windows: int) -> None:
    short = replace(
        report, manifest=msgspec.structs.replace(report.manifest, timeline=report.manifest.timeline[:windows])
    )
    assert "since the run began" not in render_html(short)


def test_an_incomplete_snapshot_says_so(report: Report) -> None:
    for text in (render_html(report), render_markdown(report)):
        assert re.search(r"Incomplete:(</strong>|\*\*) 1 of 3 users could not be read", text)


def test_tiles_say_what_changed_since_the_snapshot_before(root: str, report: Report) -> None:
    page = render_html(report)

    tiles = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>(?:<dd class=\"soft\">(.*?)</dd>)?", page)[:7]
    assert tiles == [
        ("users read", "2", "+1 since 2026-11-22"),
        ("conversations", "4", "+2 since 2026-11-22"),
        ("memberships", "5", "+3 since 2026-11-22"),
        ("read", "1", "+1 since 2026-11-22"),
        ("unread", "3", "+1 since 2026-11-22"),
        ("never read", "1", "+1 since 2026-11-22"),
        ("unread messages, at least", "1\u202f013", "+950 since 2026-11-22"),
    ]
    assert "since" not in render_html(make_report(root, OLD)).split("</dl>")[0]


def test_a_sid_leads_to_the_query_that_shows_it(report: Report) -> None:
    sid = user_sid(2)
    page = html.unescape(render_html(report))

    (command,) = re.findall(rf"<code>{sid}</code></summary><code class=\"soft\">(.*?)</code>", page)
    words = shlex.split(command)
    assert words[:5] == ["readstate", "sql", report.root, "--date", "2026-11-23"]
    with open_catalog(report.root, NEW) as catalog:
        found = pa.Table.from_batches(run_query(catalog, words[5]).batches)
    assert found["unread_messages_count"].to_pylist() == [1000, 1]


def test_services_are_called_by_their_names(report: Report) -> None:
    services = (ServiceUsers(SERVICE, 2, "Support"), ServiceUsers(OTHER_SERVICE, 1, EVIL))
    named = replace(report, manifest=msgspec.structs.replace(report.manifest, services=services))

    titles = [chart.title for chart in charts_of(named)["states"]]
    assert "The largest of 2 services, Support, holds 80 % of all memberships" in titles
    assert "<td>Support</td>" in render_html(named)
    assert "<script" not in render_html(named)


def test_a_snapshot_without_rows_is_still_a_page(tmp_path: Path) -> None:
    publish(tmp_path / "root", NEW, [])

    report = make_report(str(tmp_path / "root"))
    assert "holds no conversation" in render_html(report)
    assert "holds no conversation" in render_markdown(report)


def test_where_everything_is_read_the_titles_say_so(tmp_path: Path) -> None:
    publish(tmp_path / "root", NEW, [row(1, 1, unread_messages_count=0)])

    page = render_html(make_report(str(tmp_path / "root")))
    assert "No membership has unread messages" in page
    assert "No membership is at the cap" in page


@needs_browser
def test_a_browser_fetches_nothing_and_reports_no_error(report: Report, tmp_path: Path) -> None:
    dom, console, asked = browse(render_html(replace(report, show_pii=True)), tmp_path)

    assert dom.count("<svg") == 10
    assert console == ""
    assert asked == set()


@needs_browser
def test_the_check_in_the_browser_can_fail(tmp_path: Path) -> None:
    _, console, asked = browse("<img src='http://probe.invalid/x.png'><script>nope()</script>", tmp_path)

    assert asked == {"http://probe.invalid/x.png"}
    assert "nope is not defined" in console
