from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from readstate.changes.plans.reader import Plan
from readstate.changes.review.report import RunReport, make_run_report, render_html, render_markdown
from readstate.changes.review.statistics import Percentiles, count_rows
from readstate.changes.runs.journal import Journal, create_journal
from readstate.changes.runs.result import summarise
from readstate.changes.runs.row_record import INTENT, RowRecord, micros
from readstate.changes.runs.status import RunStatus
from readstate.errors import ExitCode
from readstate.model.outcome import Outcome, OutcomeClass
from readstate.stop import StopReason
from tests.helpers.browser import browse, needs_browser
from tests.helpers.journals import header
from tests.helpers.plans import NOW, plan_row, removal_row, skipped_row, written_plan

EVIL = '<script>alert(1)</script>"|`**\x1b[31m'


def settled(number: int, outcome: str, *, second: float = 0, **changes: Any) -> RowRecord:
    at = micros(NOW + timedelta(seconds=second))
    return RowRecord(plan_row_id=number, state=outcome, attempts=1, settled_at=at, first_sent_at=at, **changes)


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    rows = [plan_row(number, user_input=EVIL if number == 5 else f"ann-{number}") for number in range(7)]
    return written_plan(tmp_path_factory.mktemp("plans"), *rows, removal_row(7), skipped_row(8, "blocked", "REWIND"))


@pytest.fixture
def journal(plan: Plan, tmp_path: Path) -> Iterator[Journal]:
    journal = create_journal(tmp_path / "journal.sqlite", header(plan_id=plan.manifest.plan_id, executable=8))
    journal.record_event("started", NOW, who={"os_user": "bob the operator"})
    journal.record_event("began", NOW, epoch=1, left=8, in_doubt=0)
    journal.record_event("stage_passed", NOW, operation="update", stage="canary")
    journal.commit(
        [
            settled(0, Outcome.APPLIED, latency_ms=40, race_window_ms=90, request_id="RQ" + "0" * 32),
            settled(1, Outcome.APPLIED, second=1, latency_ms=250, race_window_ms=300, retries_429=2),
            settled(2, Outcome.CONVERGED, second=1),
            settled(3, Outcome.DRIFTED, second=30, observed_index=9, observed_level=EVIL, observed_at=micros(NOW),
                    reason_code="MOVED"),
            settled(4, Outcome.REJECTED, second=31, latency_ms=7_000, http_status=400, twilio_code=50_000,
                    reason_code="HTTP_400", request_id=EVIL, retries_ambiguous=1),
            RowRecord(plan_row_id=5, state=INTENT, attempts=1, latency_ms=1_500),
            settled(7, Outcome.NOT_FOUND, second=31),
        ]
    )  # fmt: skip
    journal.record_event("ended", NOW, exit_code=130, counts={}, stopped="stopped by SIGINT")
    with closing(journal):
        yield journal


@pytest.fixture
def report(plan: Plan, journal: Journal) -> RunReport:
    stopped = StopReason("stopped by SIGINT", ExitCode.INTERRUPTED)
    status = RunStatus(journal.header, "stopped", 1, 1, summarise(journal.counts(), 8, stopped))
    return make_run_report(plan, journal, status)


def test_every_row_that_was_to_be_changed_is_in_one_class(report: RunReport) -> None:
    found = report.statistics

    assert found.rows() == 8
    assert {kind: found.rows(kind) for kind in OutcomeClass} == {
        "as planned": 3, "left alone": 1, "failed": 2, "unknown": 1, "not sent": 1,
    }  # fmt: skip
    assert found.outcomes["delete"] == {Outcome.NOT_FOUND: 1}
    assert "3 of 8 rows are as planned (38 %), 1 left alone, 2 failed, 1 unknown, 1 not sent" in render_html(report)


def test_the_slowest_come_first_and_times_are_told_by_their_spread(report: RunReport) -> None:
    found = report.statistics

    assert [row.plan_row_id for row, _ in found.slowest] == [4, 5, 1, 0]
    assert found.answers.percentiles() == Percentiles(4, 250, 1_500, 7_000)
    assert found.answers.buckets() == [1, 0, 0, 1, 0, 1, 0, 1]
    assert found.races.percentiles() == Percentiles(2, 90, 90, 300)
    assert (found.throttled, found.ambiguous) == (2, 1)


def test_only_ten_of_many_rows_are_kept() -> None:
    lines = [
        (plan_row(number), settled(number, Outcome.SUPERSEDED, latency_ms=number), Outcome.SUPERSEDED)
        for number in range(500)
    ]

    found = count_rows(lines)
    assert [record.latency_ms for _, record in found.slowest] == list(range(499, 489, -1))
    assert [row.plan_row_id for row, _ in found.drifted] == list(range(10))


def test_the_pace_has_few_windows_with_every_row_and_falls_to_nothing_in_a_pause() -> None:
    seconds = [*range(300), *range(9_000, 9_300)]
    lines = [
        (plan_row(number), settled(number, Outcome.APPLIED, second=second), Outcome.APPLIED)
        for number, second in enumerate(seconds)
    ]

    windows = count_rows(lines).windows()
    settled_then = [window.settled[OutcomeClass.AS_PLANNED] for window in windows]
    assert sum(settled_then) == 600
    assert len(windows) <= 122
    assert {window.seconds for window in windows} == {8}
    assert 0 in settled_then[1:-1]


def test_what_drifted_is_shown_as_planned_found_and_wished(report: RunReport) -> None:
    page = render_html(report)

    assert "were left alone: 1." in page
    assert f"readstate show {report.plan.manifest.plan_id} --row 3<" in page
    assert "read to 3, default" in page
    assert "read to 9, &lt;script&gt;" in page
    assert "read to 8" in page


def test_the_story_names_no_user_and_says_why_it_stopped(report: RunReport) -> None:
    page = render_html(report)

    assert "start 1: 8 rows to do" in page
    assert "the canary of the updates went well" in page
    assert "The run was stopped before its end: stopped by SIGINT" in page
    assert "bob" not in page


@pytest.mark.parametrize("render", [render_html, render_markdown])
def test_nothing_that_was_typed_is_shown_unless_asked_for(render: Any, report: RunReport) -> None:
    assert "ann-3" not in render(report)
    assert "ann" in render(replace(report, show_pii=True))


def test_what_people_wrote_stays_text(report: RunReport) -> None:
    shown = replace(report, show_pii=True)

    assert "<script" not in render_html(shown)
    assert "\x1b" not in render_html(shown) + render_markdown(shown)
    assert "\\<script" in render_markdown(shown)


def test_a_run_of_a_plan_without_changes_is_still_a_page(tmp_path: Path) -> None:
    plan = written_plan(tmp_path / "plans", skipped_row(0, "blocked", "REWIND"))
    with closing(create_journal(tmp_path / "journal.sqlite", header(executable=0))) as journal:
        status = RunStatus(journal.header, "finished", 1, 0, summarise({}, 0, None))
        report = make_run_report(plan, journal, status)

    assert "Nothing was to be changed" in render_html(report)
    assert "Nothing was to be changed" in render_markdown(report)


@needs_browser
def test_a_browser_fetches_nothing_and_reports_no_error(report: RunReport, tmp_path: Path) -> None:
    seen = browse(render_html(replace(report, show_pii=True)), tmp_path)

    assert seen.dom.count("<svg") == 3
    assert seen.console == ""
    assert seen.asked == set()
