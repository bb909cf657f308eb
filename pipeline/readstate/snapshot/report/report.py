"""A report about a snapshot: one self-contained HTML page, or Markdown for a chat or a pull request."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path
from types import MappingProxyType

import duckdb

from readstate.html.chart_data import render_csv
from readstate.html.charts import Chart, format_number
from readstate.html.render import format_share, render_template
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


@dataclass(frozen=True, slots=True)
class Report:
    """What a report shows, before it is rendered."""

    root: str
    manifest: Manifest
    statistics: Statistics
    comparison: Comparison | None
    """None where there is no earlier snapshot."""
    show_pii: bool
    """Whether names and identities are shown."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One number at the top of the page."""

    title: str
    number: str
    change: str
    """Since the snapshot before; empty where there is none."""


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
    found, users, earlier = report.statistics, report.manifest.users.read, report.comparison
    before = found.by_day[-2] if len(found.by_day) > 1 else None
    since_users = "" if earlier is None else _change(users, earlier.before.users.read, earlier.before.snapshot_date)
    capped = "≥ " if found.unread_counts[-1] else ""

    def tile(title: str, count: Callable[[ReadStates], int], prefix: str = "") -> Tile:
        number = count(found.all_rows)
        change = "" if before is None else _change(number, count(before), before.group)
        return Tile(title, prefix + format_number(number), change)

    return [
        Tile("users read", format_number(users), since_users),
        Tile("conversations", format_number(found.conversations), ""),
        tile("memberships", lambda one: one.rows),
        tile("read", lambda one: one.read),
        tile("unread", lambda one: one.unread),
        tile("never read", lambda one: one.never_read),
        tile("unread messages", lambda one: one.unread_messages, capped),
    ]


def _change(now: int, before: int, since: object) -> str:
    if now == before:
        return f"as on {since}"
    return f"{'+' if now > before else '−'}{format_number(abs(now - before))} since {since}"


def _command(report: Report, query: str, sid: str) -> str:
    """Return the command that answers *query* about this snapshot; ``?`` in it stands for *sid*."""
    asked = query.replace("?", "'" + sid.replace("'", "''") + "'")
    words = ["readstate", "sql", report.root, "--date", str(report.manifest.snapshot_date), asked]
    return escape_control(shlex.join(words))
