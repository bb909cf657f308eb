"""An index of all snapshots below a root: the trend, and one line a date that leads to its page."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from msgspec import Struct

from readstate.html.charts import Chart
from readstate.html.render import render_template
from readstate.snapshot.published.manifest import Manifest
from readstate.snapshot.report.charts import service_names, trend_charts
from readstate.snapshot.report.report import Report
from readstate.snapshot.report.statistics import ReadStates
from readstate.text import format_duration

_SIGNS = str.maketrans({",": "\u202f", "-": "−"})


class Night(Struct, frozen=True):
    """One line of the index."""

    manifest: Manifest
    states: ReadStates
    change: str
    """Of the unread memberships, since the snapshot before; empty for the first."""
    took: str
    page: str
    """The file of its report, beside the index; empty where there is none."""


def index_charts(newest: Report) -> list[Chart]:
    """Return the trends up to the newest snapshot."""
    return list(trend_charts(newest.statistics, service_names(newest.manifest, newest.statistics)))


def render_index(newest: Report, manifests: Sequence[Manifest], *, pages: Mapping[date, str], csv: str) -> str:
    """Return the index as one HTML page.

    *manifests* are those of all snapshots, *pages* the files beside it, by date, and *csv* the file of its numbers.
    """
    return render_template(
        Path(__file__).parent / "index.html",
        root=newest.root,
        charts=index_charts(newest),
        nights=_nights(newest.statistics.by_day, manifests, pages)[::-1],
        csv=csv,
    )


def _nights(by_day: Sequence[ReadStates], manifests: Sequence[Manifest], pages: Mapping[date, str]) -> list[Night]:
    known = {states.group: states for states in by_day}
    nights: list[Night] = []
    for manifest in manifests:
        day = manifest.snapshot_date
        # A snapshot without rows is in no group.
        states = known.get(day.isoformat(), ReadStates(day.isoformat(), 0, 0, 0, 0))
        change = f"{states.unread - nights[-1].states.unread:+,}".translate(_SIGNS) if nights else ""
        seconds = (manifest.ended_at - manifest.started_at).total_seconds()
        nights.append(Night(manifest, states, change, format_duration(seconds), pages.get(day, "")))
    return nights
