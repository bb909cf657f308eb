"""What a plan of many rows takes, from the staged lines to the results of its run; no request is sent.

    python -m tests.benchmarks.parts.plan_rows [ROWS]

Each step is a process of its own, so that its peak of memory is its own: planning (lines and answers go through the
real staging, diff and writer), checking every digest, showing, the guards, the work list of an apply, and the results.
The temporary folder needs about 3 kB a row.
"""

import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeVar

from tests.benchmarks.measured import measure

if TYPE_CHECKING:
    from readstate.changes.planning.workspace import PlanWorkspace
    from readstate.changes.plans.reader import Plan
    from readstate.changes.runs.journal import Journal

Item = TypeVar("Item")

ROWS_PER_USER = 20
USERS_PER_CONVERSATION = 10
NOW = datetime(2026, 11, 23, 14, tzinfo=UTC)
AT_ONCE = 10_000


def sid(prefix: str, number: int) -> str:
    """A SID that compresses as badly as a real one."""
    return prefix + hashlib.md5(b"%d" % number, usedforsecurity=False).hexdigest()


def user_sid(number: int) -> str:
    return sid("US", number // ROWS_PER_USER)


def conversation_sid(number: int) -> str:
    """The conversation of the line: another one for each line of a user, shared by some users."""
    user, place = divmod(number, ROWS_PER_USER)
    return sid("CH", user // USERS_PER_CONVERSATION * ROWS_PER_USER + place)


def plan(folder: Path, rows: int) -> str:
    """Stage *rows* lines with what would have been read for them, and plan them."""
    from readstate.changes.current_state.target import TargetInfo
    from readstate.changes.planning.make_plan import write_plan
    from readstate.changes.planning.options import PlanOptions
    from readstate.changes.planning.workspace import PlanWorkspace
    from readstate.changes.plans.writer import PlanWriter
    from tests.helpers.plans import TARGET, provenance

    (folder / "staging").mkdir()
    workspace = PlanWorkspace(folder / "staging")
    try:
        fill(workspace, rows)
        with PlanWriter(folder / "plans") as writer:
            written = write_plan(
                workspace,
                PlanOptions(),
                TargetInfo(TARGET, timedelta(), requests=2),
                writer,
                provenance=provenance(rows=rows),
                now=NOW,
                requests=0,
            )
    finally:
        workspace.close()
        (folder / "staging" / "staging.sqlite").unlink()
    return f"{(written.directory / 'rows.parquet').stat().st_size / 1e6:,.0f} MB of rows"


def fill(workspace: "PlanWorkspace", rows: int) -> None:
    """Put lines and answers where the commands put them, some thousand at a time, as they do."""
    from readstate.changes.current_state.memberships import FetchedMembership, ReadResult, UserMemberships
    from readstate.changes.current_state.participants import ParticipantsResult
    from readstate.changes.input.intents import Intent
    from readstate.model.change import Reason
    from readstate.model.desired import Removal, Update
    from readstate.model.membership import Absent
    from readstate.model.resources import Participant, UserConversation

    def intent(number: int) -> Intent:
        desired = Removal() if number % 100 == 0 else Update(last_read_message_index=7 + number % 3)
        user = f"user-{number // ROWS_PER_USER}@example.com"
        return Intent(number + 2, number + 2, user, conversation_sid(number), desired, note="ticket 4711")

    def found(number: int) -> ReadResult:
        if number % 100 == 1:
            return Absent(Reason.NOT_A_MEMBER)
        row = UserConversation(
            user_sid=user_sid(number),
            conversation_sid=conversation_sid(number),
            participant_sid=sid("MB", number),
            last_read_message_index=8 if number % 50 == 2 else 3,
            notification_level="default",
            unread_messages_count=5,
            conversation_state="active",
        )
        return FetchedMembership(row, "list")

    for numbers in in_parts(iter(range(rows))):
        workspace.staging.add(map(intent, numbers))
    workspace.users()
    answers = []
    for lines in workspace.user_lines({}):
        answer = {name: found(line - 2) for name, line in lines.conversations.items()}
        answers.append((UserMemberships(lines, answer, conversations=2 * ROWS_PER_USER), NOW))
        if len(answers) == AT_ONCE // ROWS_PER_USER:
            workspace.add_users(answers)
            answers = []
    workspace.add_users(answers)
    for newest in in_parts(workspace.conversations_wanting_newest(first_set=False, beyond_latest=False)):
        workspace.add_newest((name, 9) for name in newest)
    assert list(workspace.find_duplicates_by_sid()) == []
    for members in in_parts(workspace.members(closed=False)):
        workspace.add_members(
            ParticipantsResult(asked, {name: Participant(sid=name, attributes="{}") for name in asked.participant_sids})
            for asked in members
        )


def in_parts(items: Iterator[Item]) -> Iterator[list[Item]]:
    """Some thousand *items* at a time."""
    part = list[Item]()
    for item in items:
        part.append(item)
        if len(part) == AT_ONCE:
            yield part
            part = []
    yield part


def opened(folder: Path) -> "Plan":
    """The plan, without a look at its rows."""
    from readstate.changes.plans.reader import Plan, read_manifest

    (directory,) = (folder / "plans").iterdir()
    return Plan(directory, read_manifest(directory))


def check(folder: Path, rows: int) -> str:
    """Check every digest, as everything does that opens a plan."""
    from readstate.changes.plans.reader import open_plan

    manifest = open_plan(opened(folder).directory).manifest
    assert manifest.rows == rows
    return "the digests agree"


def show(folder: Path, rows: int) -> str:
    """Render the summary in all four forms, find rare rows, and ask the guards."""
    from readstate.changes.render.html import render_html
    from readstate.changes.render.json_document import render_json
    from readstate.changes.render.markdown import render_markdown
    from readstate.changes.render.summary import row_of, sample, select, summarize
    from readstate.changes.render.text import render_text
    from readstate.model.guards import refusals

    plan = opened(folder)
    summary = summarize(plan, sample(plan))
    for render in (render_json, render_markdown, render_html, render_text):
        assert render(summary)
    assert select(plan, {"first_set"}, limit=50) == []
    assert len(row_of(plan, rows - 1)) == 1
    return f"{len(summary.rows)} rows shown; in the way: {', '.join(guard.name for guard in refusals(summary.guards))}"


def work(folder: Path, rows: int) -> str:
    """Make the work list of an apply, and read it as its stages do."""
    from readstate.changes.apply.work_queue import WorkQueue, by_user, unfinished_rows
    from readstate.model.desired import Operation

    plan = opened(folder)
    with closing(begun_journal(folder, plan)) as journal, closing(WorkQueue(folder / "work.sqlite")) as list_of_work:
        list_of_work.fill(unfinished_rows(plan, journal))
        counted = sum(list_of_work.count(operation) for operation in Operation)
        read = sum(len(of_user) for operation in Operation for of_user in by_user(list_of_work.rows(operation)))
        size = list_of_work.path.stat().st_size
    assert read == counted == journal.header.executable
    return f"{counted} of {rows} rows to do, {size / 1e6:,.0f} MB of scratch"


def results(folder: Path, rows: int) -> str:
    """Fill a journal as an apply would, and write the results of every row."""
    from pyarrow import parquet

    from readstate.changes.runs.results import write_results
    from readstate.changes.runs.row_record import RowRecord
    from readstate.model.outcome import Outcome, OutcomeSource

    plan = opened(folder)
    with closing(begun_journal(folder, plan)) as journal:
        ids = (row_id for batch in plan.batches() for row_id in batch.column("plan_row_id").to_pylist())
        for part in in_parts(ids):
            records = [RowRecord(plan_row_id=row_id, attempts=1, sent_index=8, before_index=3) for row_id in part]
            for record in records:
                outcome = Outcome.APPLIED if record.plan_row_id % 10 else Outcome.DRIFTED
                record.settle(outcome, NOW, source=OutcomeSource.RESPONSE)
            journal.commit(records)
        (folder / "results").mkdir()
        write_results(plan, journal, folder / "results")
    assert parquet.read_metadata(folder / "results" / "results.parquet").num_rows == rows
    return f"{(folder / 'results' / 'results.csv').stat().st_size / 1e6:,.0f} MB of CSV"


def begun_journal(folder: Path, plan: "Plan") -> "Journal":
    from readstate.changes.runs.journal import create_journal
    from tests.helpers.journals import header_of

    path = folder / "journal.sqlite"
    path.unlink(missing_ok=True)
    return create_journal(path, header_of(plan))


STEPS: dict[str, Callable[[Path, int], str]] = {step.__name__: step for step in (plan, check, show, work, results)}


def run_all(folder: Path, rows: int) -> None:
    print(f"{rows:,} rows in {folder}\n{'step':<8} {'MB at most':>10} {'s':>7} {'µs of CPU a row':>16}")
    for name in STEPS:
        taken = measure(["-m", "tests.benchmarks.parts.plan_rows", name, str(rows), str(folder)], os.environ)
        print(
            f"{name:<8} {taken.peak_megabytes:>10.0f} {taken.wall:>7.0f} {1e6 * taken.cpu / rows:>16.1f}"
            f"   {taken.stdout.strip()}",
            flush=True,
        )


def main(arguments: list[str]) -> None:
    if arguments and arguments[0] in STEPS:
        step, number, folder = arguments
        print(STEPS[step](Path(folder), int(number)))
        return
    rows = int(arguments[0]) if arguments else 1_000_000
    with TemporaryDirectory(prefix="plan-rows-") as folder:
        run_all(Path(folder), rows)


if __name__ == "__main__":
    main(sys.argv[1:])
