"""A report about an apply run: outcomes, rates, latencies and events; as one HTML page or as Markdown."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from msgspec import Struct

from readstate.changes.plans.reader import Plan
from readstate.changes.review.statistics import BUCKETS_MS, RateWindow, RunStatistics, count_rows
from readstate.changes.runs.journal import Journal
from readstate.changes.runs.results import outcome_of, paired
from readstate.changes.runs.row_record import RowRecord
from readstate.changes.runs.status import RunStatus
from readstate.html.axes import time_axis
from readstate.html.chart_data import render_csv
from readstate.html.charts import Chart, Series, bars, lines, stacked_bars
from readstate.html.render import format_number, format_share, render_template
from readstate.model.change import Disposition
from readstate.model.outcome import OUTCOMES, OutcomeClass
from readstate.model.plan import PlanRow

_COLOURS = {
    OutcomeClass.AS_PLANNED: "read",
    OutcomeClass.LEFT_ALONE: "unread",
    OutcomeClass.FAILED: "cap",
    OutcomeClass.UNKNOWN: "doubt",
    OutcomeClass.NOT_SENT: "never",
}
_OPERATIONS = {Disposition.UPDATE: "updates", Disposition.DELETE: "removals"}
_STATES = {
    "running": "The run is under way: this is how far it is.",
    "stopped": "The run was stopped before its end: {why}.",
    "killed": "The run was killed: rows that may have been sent count as unknown until it is resumed.",
}


class RunReport(Struct, frozen=True):
    """What a report shows, before it is a page."""

    status: RunStatus
    plan: Plan
    statistics: RunStatistics
    events: list[tuple[str, str]]
    """Moments of the whole run, each with what happened."""
    show_pii: bool
    """Whether users and conversations are shown as in the changes file."""


def make_run_report(plan: Plan, journal: Journal, status: RunStatus, *, show_pii: bool = False) -> RunReport:
    """Return all that a report about a run shows. Raise `LocalDisk`, `PlanUnusable`."""
    planned = (
        (row, record, outcome_of(row, record))
        for row, record in paired(plan, journal)
        if Disposition(row.disposition).is_executable
    )
    events = [(event["at"][:19].replace("T", " "), text) for event in journal.events() if (text := _describe(event))]
    return RunReport(status, plan, count_rows(planned), events, show_pii)


def render_html(report: RunReport) -> str:
    """Return the report as one HTML page without scripts; it fetches nothing, and every text is escaped."""
    return _render("report.html", report, list(_charts(report.statistics)))


def render_report_csv(report: RunReport) -> str:
    """Return the numbers of its charts as CSV."""
    return render_csv(_charts(report.statistics))


def render_markdown(report: RunReport) -> str:
    """Return the report as Markdown."""
    return _render("report.md", report, [])


def _render(name: str, report: RunReport, charts: list[Chart]) -> str:
    found, status = report.statistics, report.status
    stopped = status.result.stopped
    return render_template(
        Path(__file__).parent / name,
        header=status.header,
        headline=_headline(found),
        warning=_STATES.get(status.state, "").format(why="" if stopped is None else stopped.text),
        statistics=found,
        answers=found.answers.percentiles(),
        races=found.races.percentiles(),
        reasons=found.reasons.most_common(),
        counts={kind: found.rows(kind) for kind in OutcomeClass},
        outcomes=[
            (outcome, facts.kind, rows, facts.meaning)
            for outcome, facts in OUTCOMES.items()
            if (rows := sum(outcomes.get(outcome, 0) for outcomes in found.outcomes.values()))
        ],
        starts=status.epoch,
        charts=charts,
        slowest=[_slow(row, record, outcome_of(row, record)) for row, record in found.slowest],
        drifted=[_drift(row, record, outcome_of(row, record)) for row, record in found.drifted],
        left_alone=found.rows(OutcomeClass.LEFT_ALONE),
        events=report.events,
        pii=report.show_pii,
    )


def _headline(found: RunStatistics) -> str:
    rows = found.rows()
    if not rows:
        return "Nothing was to be changed"
    good = found.rows(OutcomeClass.AS_PLANNED)
    parts = [f"{format_number(good)} of {format_number(rows)} rows are as planned ({format_share(good, rows)})"]
    parts += [f"{format_number(count)} {kind}" for kind in list(OutcomeClass)[1:] if (count := found.rows(kind))]
    return ", ".join(parts)


def _charts(found: RunStatistics) -> Iterator[Chart]:
    if found.rows():
        names = [_OPERATIONS[Disposition(operation)] for operation in found.outcomes]
        yield stacked_bars(
            "All rows are as planned"
            if found.rows() == found.rows(OutcomeClass.AS_PLANNED)
            else f"{format_number(found.rows() - found.rows(OutcomeClass.AS_PLANNED))} of"
            f" {format_number(found.rows())} rows are not as planned",
            names,
            [
                Series(kind, colour, [_in_class(outcomes, kind) for outcomes in found.outcomes.values()])
                for kind, colour in _COLOURS.items()
                if found.rows(kind)
            ],
            name="outcomes",
            unit="rows",
        )
    if len(windows := found.windows()) > 1:
        yield _rate(windows, found.throttled)
    if (answers := found.answers.percentiles()) is not None:
        buckets = found.answers.buckets()
        yield bars(
            f"Half of the writes were answered within {format_number(answers.p50)} ms, 99 of 100 within"
            f" {format_number(answers.p99)} ms",
            _bucket_names(),
            Series("rows", "read", buckets),
            axis="milliseconds to the answer",
            name="times to the answer",
            unit="rows",
            colours=["read"] * len(buckets),
        )


def _rate(windows: list[RateWindow], throttled: int) -> Chart:
    began = windows[0].begins_at
    seconds = sum(window.seconds for window in windows)
    settled = sum(sum(window.settled.values()) for window in windows)
    series = [
        Series(kind, colour, [window.settled[kind] / window.seconds for window in windows])
        for kind, colour in _COLOURS.items()
        if any(window.settled[kind] for window in windows)
    ]
    if throttled:
        refused = [window.throttled / window.seconds for window in windows]
        series.append(Series("refused (429)", "other", refused))
    refusals = f"; {format_number(throttled)} requests were refused (429) and sent again" if throttled else ""
    return lines(
        f"{format_number(round(settled / seconds, 1))} rows were settled per second{refusals}",
        time_axis("since the first row was settled", [window.begins_at - began for window in windows]),
        series,
        name="rows settled",
        unit="per second",
    )


def _in_class(outcomes: Any, kind: OutcomeClass) -> int:
    return sum(rows for outcome, rows in outcomes.items() if OUTCOMES[outcome].kind is kind)


def _bucket_names() -> list[str]:
    ranges = [f"{low}–{high}" for low, high in pairwise((0, *BUCKETS_MS))]
    return [*ranges, f"≥ {BUCKETS_MS[-1]}"]


def _slow(row: PlanRow, record: RowRecord, outcome: str) -> dict[str, Any]:
    sent = record.first_sent_at
    return {
        "row": row,
        "record": record,
        "outcome": outcome,
        "sent_at": "" if sent is None else f"{datetime.fromtimestamp(sent / 1e6, UTC):%H:%M:%S}",
    }


def _drift(row: PlanRow, record: RowRecord, outcome: str) -> dict[str, Any]:
    return {
        "row": row,
        "outcome": outcome,
        "reason": record.reason_code or "",
        "planned": _state(row.before_index, row.before_level),
        "wanted": "removed"
        if row.disposition == Disposition.DELETE
        else _state(row.set_index, row.set_level, "as it is"),
        "found": "" if record.observed_at is None else _state(record.observed_index, record.observed_level),
    }


def _state(index: int | None, level: str | None, without_index: str = "never read") -> str:
    horizon = without_index if index is None else f"read to {index}"
    return horizon if level is None else f"{horizon}, {level}"


def _describe(event: dict[str, Any]) -> str:
    """Return *event* of the journal as a sentence without personal data; empty for one of no interest."""
    match event["kind"]:
        case "began":
            doubt = (
                f", {format_number(event['in_doubt'])} of unknown outcome to be read back first"
                if event["in_doubt"]
                else ""
            )
            return f"start {event['epoch']}: {format_number(event['left'])} rows to do{doubt}"
        case "stage_passed":
            operation = _OPERATIONS[Disposition(event["operation"])]
            return f"the {event['stage']} of the {operation} went well"
        case "ended" if "stopped" in event:
            return f"stopped: {event['stopped']} (exit code {event['exit_code']})"
        case "ended":
            return f"ended with exit code {event['exit_code']}"
    return ""
