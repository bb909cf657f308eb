"""A report about a snapshot: one self-contained HTML page, or Markdown for a chat or a pull request."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from readstate.html.axes import date_axis, time_axis
from readstate.html.charts import Chart, Series, bars, format_number, lines, stacked_bars
from readstate.html.render import format_share, render_template
from readstate.snapshot.compare.compare import Comparison, compare
from readstate.snapshot.published.manifest import Manifest, TimelineWindow
from readstate.snapshot.published.snapshot import open_snapshot, translate_damage
from readstate.snapshot.query.catalog import open_catalog
from readstate.snapshot.query.statistics import BUCKETS, ReadStates, Statistics, compute_statistics
from readstate.snapshot.workspace.timeline import concatenate, downsample
from readstate.text import escape_control, format_duration, short_sid

_MOST_POINTS = 120
_FEWEST_POINTS = 6
"""Fewer make no line that shows anything."""
_BUCKET_COLOURS = ("never", "read", *["unread"] * 4, "cap")


@dataclass(frozen=True, slots=True)
class Report:
    """What a report shows, before it is rendered."""

    manifest: Manifest
    statistics: Statistics
    comparison: Comparison | None
    """None where there is no earlier snapshot."""
    show_pii: bool
    """Whether names and identities are shown."""


def make_report(root: str, day: date | None = None, *, show_pii: bool = False) -> Report:
    """Return the report about the snapshot of *day*, or the newest. Raise `BadInput`."""
    with translate_damage(root, duckdb.InvalidInputException), open_catalog(root, day) as snapshots:
        after = snapshots.snapshot
        day = after.manifest.snapshot_date
        found = compute_statistics(snapshots, day=day)
    earlier = after.store.date_before(day)
    comparison = None if earlier is None else compare(open_snapshot(root, earlier), after)
    return Report(after.manifest, found, comparison, show_pii)


def render_html(report: Report) -> str:
    """Return the report as one HTML page: no script, nothing fetched, every text escaped."""
    return _render("report.html", report, list(_charts(report)))


def render_markdown(report: Report) -> str:
    """Return the report as Markdown."""
    return _render("report.md", report, [])


def _render(name: str, report: Report, charts: Sequence[Chart]) -> str:
    all_rows = report.statistics.all_rows
    return render_template(
        Path(__file__).parent / name,
        manifest=report.manifest,
        statistics=report.statistics,
        comparison=report.comparison,
        total=all_rows,
        took=format_duration((report.manifest.ended_at - report.manifest.started_at).total_seconds()),
        headline=_headline(all_rows),
        charts=charts,
        run_charts=list(_run_charts(report.manifest)) if charts else [],
        buckets=list(zip(BUCKETS, report.statistics.unread_counts, strict=True)),
        pii=report.show_pii,
    )


def _headline(all_rows: ReadStates) -> str:
    if not all_rows.rows:
        return "The snapshot holds no conversation"
    return (
        f"{format_share(all_rows.read, all_rows.rows)} of the conversations are read,"
        f" {format_share(all_rows.unread, all_rows.rows)} have unread messages,"
        f" {format_share(all_rows.never_read, all_rows.rows)} were never read"
    )


def _charts(report: Report) -> Iterator[Chart]:
    found = report.statistics
    if found.all_rows.rows:
        worst = max(found.by_state, key=lambda group: group.unread)
        yield _by_group(
            f"Most unread conversations are {escape_control(worst.group)}: {format_number(worst.unread)}"
            if worst.unread
            else "No conversation has unread messages",
            found.by_state,
        )
        if len(found.by_service) > 1:
            most = max(found.by_service, key=lambda group: group.rows)
            yield _by_group(
                f"The largest of {len(found.by_service)} services holds {format_share(most.rows, found.all_rows.rows)}"
                " of all conversations",
                found.by_service,
            )
        capped = found.unread_counts[-1]
        yield bars(
            f"{format_number(capped)} conversations are at the cap: they hold 1000 unread messages or more"
            if capped
            else "No conversation is at the cap of 1000 unread messages",
            BUCKETS,
            Series("conversations", "unread", found.unread_counts),
            axis="unread messages",
            unit="conversations",
            colours=_BUCKET_COLOURS,
        )
    if len(found.by_day) > 1:
        first, last = found.by_day[0], found.by_day[-1]
        yield lines(
            f"Unread conversations went from {format_number(first.unread)} to {format_number(last.unread)}"
            f" in {len(found.by_day)} snapshots",
            date_axis("date of the snapshot", [date.fromisoformat(group.group) for group in found.by_day]),
            _series(found.by_day),
            unit="conversations",
        )


def _by_group(title: str, groups: Sequence[ReadStates]) -> Chart:
    labels = [escape_control(short_sid(group.group)) for group in groups]
    return stacked_bars(title, labels, _series(groups), unit="conversations")


def _series(groups: Sequence[ReadStates]) -> list[Series]:
    return [
        Series("read", "read", [group.read for group in groups]),
        Series("unread", "unread", [group.unread for group in groups]),
        Series("never read", "never", [group.never_read for group in groups]),
    ]


def _run_charts(manifest: Manifest) -> Iterator[Chart]:
    if len(manifest.timeline) < _FEWEST_POINTS:
        return
    windows = list(_with_pauses(downsample(manifest.timeline, most=_MOST_POINTS)))
    began = manifest.timeline[0].begins_at
    times = time_axis("since the run began", [(one.begins_at - began).total_seconds() for one, _ in windows])

    def points(value: Callable[[TimelineWindow], float]) -> list[float | None]:
        return [value(one) if works else None for one, works in windows]

    yield lines(
        f"{format_number(manifest.requests.throttled)} of {format_number(manifest.requests.requests)} requests were"
        " refused (429) and sent again",
        times,
        [
            Series("requests", "read", points(lambda one: one.requests / max(one.seconds, 0.001))),
            Series("refused (429)", "cap", points(lambda one: one.throttled / max(one.seconds, 0.001))),
        ],
        unit="per second",
    )
    yield lines(
        f"At most {format_number(max(one.in_flight for one in manifest.timeline))} requests were in flight at once",
        times,
        [
            Series("in flight", "unread", points(lambda one: one.in_flight)),
            Series("allowed", "never", points(lambda one: one.allowed)),
        ],
        unit="requests at most",
    )


def _with_pauses(windows: Sequence[TimelineWindow]) -> Iterator[tuple[TimelineWindow, bool]]:
    """Yield *windows* with True, and with False once more where a pause follows: no process worked on the run then.

    Short windows at the ends of a start are merged.
    """
    usual = max(window.seconds for window in windows)
    held: TimelineWindow | None = None
    for window in windows:
        if held is None:
            held = window
        elif (window.begins_at - held.begins_at).total_seconds() > 2 * usual + held.seconds:
            yield from ((held, True), (held, False))
            held = window
        elif min(held.seconds, window.seconds) < usual / 4:
            held = concatenate(held, window)
        else:
            yield held, True
            held = window
    if held is not None:
        yield held, True
