"""A report about a snapshot: one self-contained HTML page, or Markdown for a chat or a pull request."""

import shlex
from collections.abc import Callable, Mapping
from datetime import date
from itertools import chain
from pathlib import Path
from types import MappingProxyType

import duckdb
from msgspec import Struct

from readstate.html.chart_data import render_csv
from readstate.html.charts import Chart
from readstate.html.render import format_number, format_share, render_template
from readstate.snapshot.compare.compare import Comparison, compare
from readstate.snapshot.published.manifest import Manifest
from readstate.snapshot.published.snapshot import open_snapshot, translate_damage
from readstate.snapshot.query.catalog import open_catalog
from readstate.snapshot.report.charts import (
    change_charts,
    run_charts,
    service_names,
    state_charts,
    trend_charts,
)
from readstate.snapshot.report.statistics import BUCKETS, ReadStates, Statistics, compute_statistics
from readstate.text import escape_control, format_duration

NO_LINKS: Mapping[str, str] = MappingProxyType({})


class Report(Struct, frozen=True):
    """What a report shows, before it is rendered."""

    root: str
    manifest: Manifest
    statistics: Statistics
    comparison: Comparison | None
    """None where there is no earlier snapshot."""
    show_pii: bool
    """Whether names and identities are shown."""


class Tile(Struct, frozen=True):
    """One number at the top of the page."""

    title: str
    number: str
    change: str
    """Since the snapshot before; empty where that is not known."""


def make_report(root: str, day: date | None = None, *, show_pii: bool = False) -> Report:
    """Return the report about the snapshot of *day*, or the newest. Raise `BadInput`."""
    with translate_damage(root, duckdb.InvalidInputException), open_catalog(root, day) as snapshots:
        after = snapshots.snapshot
        day = after.manifest.snapshot_date
        found = compute_statistics(snapshots, day=day)
    earlier = after.store.date_before(day)
    comparison = None if earlier is None else compare(open_snapshot(root, earlier), after)
    return Report(root, after.manifest, found, comparison, show_pii)


def charts_of(report: Report) -> dict[str, list[Chart]]:
    """Return the charts by the part of the page in which they stand."""
    names = service_names(report.manifest, report.statistics)
    return {
        "states": [*state_charts(report.statistics, names), *trend_charts(report.statistics, names)],
        "changes": [] if report.comparison is None else list(change_charts(report.comparison)),
        "run": list(run_charts(report.manifest)),
    }


def render_html(report: Report, *, links: Mapping[str, str] = NO_LINKS) -> str:
    """Return the report as one HTML page: no script, nothing fetched, every text escaped.

    *links* are files beside it, with the words that lead to them.
    """
    return _render("report.html", report, charts_of(report), links)


def render_report_csv(report: Report) -> str:
    """Return the numbers of its charts as CSV."""
    return render_csv(chain.from_iterable(charts_of(report).values()))


def render_markdown(report: Report) -> str:
    """Return the report as Markdown."""
    return _render("report.md", report, {}, NO_LINKS)


def _render(name: str, report: Report, charts: Mapping[str, list[Chart]], links: Mapping[str, str]) -> str:
    all_rows = report.statistics.all_rows
    return render_template(
        Path(__file__).parent / name,
        manifest=report.manifest,
        statistics=report.statistics,
        comparison=report.comparison,
        total=all_rows,
        took=format_duration((report.manifest.ended_at - report.manifest.started_at).total_seconds()),
        headline=_headline(all_rows),
        tiles=_tiles(report),
        charts=charts,
        links=links,
        buckets=list(zip(BUCKETS, report.statistics.unread_counts, strict=True)),
        pii=report.show_pii,
        sql=lambda query, sid="": _command(report, query, sid),
    )


def _headline(all_rows: ReadStates) -> str:
    if not all_rows.rows:
        return "The snapshot holds no conversation"
    return (
        f"{format_share(all_rows.read, all_rows.rows)} of the memberships are read,"
        f" {format_share(all_rows.unread, all_rows.rows)} have unread messages,"
        f" {format_share(all_rows.never_read, all_rows.rows)} were never read"
    )


def _tiles(report: Report) -> list[Tile]:
    found, now = report.statistics, report.manifest
    earlier = None if report.comparison is None else report.comparison.before
    before = found.by_day[-2] if len(found.by_day) > 1 else None

    def of_run(title: str, count: Callable[[Manifest], int | None]) -> Tile:
        if earlier is None:
            return _tile(title, count(now), None, "")
        return _tile(title, count(now), count(earlier), earlier.snapshot_date)

    def of_rows(title: str, count: Callable[[ReadStates], int]) -> Tile:
        if before is None:
            return _tile(title, count(found.all_rows), None, "")
        return _tile(title, count(found.all_rows), count(before), before.group)

    tiles = [
        of_run("users read", lambda manifest: manifest.users.read),
        of_run("conversations", lambda manifest: manifest.conversations),
        of_rows("memberships", lambda states: states.rows),
        of_rows("read", lambda states: states.read),
        of_rows("unread", lambda states: states.unread),
        of_rows("never read", lambda states: states.never_read),
        of_rows(
            "unread messages, at least" if found.unread_counts[-1] else "unread messages",
            lambda states: states.unread_messages,
        ),
    ]
    return [tile for tile in tiles if tile.number]


def _tile(title: str, now: int | None, before: int | None, since: object) -> Tile:
    if now is None or before is None:
        return Tile(title, format_number(now), "")
    if now == before:
        return Tile(title, format_number(now), f"as on {since}")
    sign = "+" if now > before else "−"
    return Tile(title, format_number(now), f"{sign}{format_number(abs(now - before))} since {since}")


def _command(report: Report, query: str, sid: str) -> str:
    """Return the command that answers *query* about this snapshot; ``?`` in it stands for *sid*."""
    asked = query.replace("?", "'" + sid.replace("'", "''") + "'")
    words = ["readstate", "sql", report.root, "--date", str(report.manifest.snapshot_date), asked]
    return escape_control(shlex.join(words))
