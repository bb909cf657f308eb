import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from readstate.changes.plans.reader import Plan
from readstate.changes.plans.tombstone import Tombstone, write_tombstone
from readstate.changes.plans.writer import PlanWriter
from readstate.changes.runs.lock import target_lock
from readstate.clock import SystemClock
from readstate.simulator.server.server import RunningSimulator
from readstate_jobs.cli.session import Session
from tests.helpers.apply_commands import HASTE
from tests.helpers.bulk_changes import consent, mixed_lines, unwatched
from tests.helpers.cli_shell import Shell

MARK = "4711-somebody"


@pytest.fixture(scope="module")
def twilio() -> Iterator[RunningSimulator]:
    with unwatched(users=60, services=1) as simulator:
        yield simulator


def planned(shell: Shell, seed: int = 7) -> Plan:
    lines = mixed_lines(shell.twilio, updates=4, removals=1, seed=seed)
    return shell.plan([line | {"note": MARK, "row_key": MARK} for line in lines])


def applied(shell: Shell, plan: Plan) -> Path:
    output = shell.call("apply", str(plan.directory), "--json", *consent(plan), *HASTE)
    assert output.code == 0, output
    return Path(output.document["run_dir"])


def whole(directory: Path) -> bytes:
    """All that lies in *directory*, but the locks that SQLite keeps beside a journal."""
    files = [path for path in sorted(directory.rglob("*")) if path.is_file() and not path.name.endswith("-shm")]
    return b"".join(path.read_bytes() for path in files)


def journal_of(run: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(run / "journal.sqlite")) as connection:
        return connection.execute(query).fetchall()


def test_without_a_yes_nothing_goes_and_it_is_told_what_would(shell: Shell) -> None:
    plan = planned(shell)
    run = applied(shell, plan)
    before = whole(plan.directory) + whole(run)

    output = shell.call("forget", str(plan.directory))

    assert output.code == 16
    assert "goes   rows.parquet, rejects.csv, participants.jsonl.gz" in output.stdout
    assert "stays  manifest.json with counts and digests" in output.stdout
    assert "5 changed rows can no longer be undone or verified" in output.stdout
    assert "add --yes" in output.stderr
    assert whole(plan.directory) + whole(run) == before


def test_a_plan_goes_with_its_runs_and_leaves_counts_digests_and_outcomes(shell: Shell) -> None:
    plan = planned(shell)
    run = applied(shell, plan)
    people = {name.encode() for row in plan.rows() for name in (row.user_sid, row.participant_sid) if name}
    assert any(name in whole(plan.directory) + whole(run) for name in people)
    before = shell.call("status", str(run), "--json").document["counts"]

    output = shell.call("forget", str(plan.directory), "--yes", "--json")

    assert output.code == 0
    (forgotten,) = output.document["forgotten"]
    assert (forgotten["plan_id"], forgotten["runs"][0]["run_id"]) == (plan.manifest.plan_id, run.name)
    left = whole(plan.directory) + whole(run)
    examples = {loss.user_sid.encode() for loss in plan.manifest.guard_inputs.wiped_out_examples}
    assert [name for name in people - examples if name in left] == []
    assert MARK.encode() not in left
    assert sorted(path.name for path in plan.directory.iterdir()) == ["forgotten.json", "manifest.json"]
    assert sorted(path.name for path in run.iterdir()) == ["audit.jsonl", "forgotten.json"]
    last = json.loads((run / "audit.jsonl").read_text().splitlines()[-1])
    assert last == {"kind": "counts", "counts": {outcome: rows for outcome, rows in before.items() if rows}}


def test_a_forgotten_run_and_a_forgotten_plan_say_that_they_are_and_a_plan_outlives_its_run(shell: Shell) -> None:
    plan = planned(shell)
    run = applied(shell, plan)

    shell.call("forget", run.name, "--yes")
    shown = shell.call("show", str(plan.directory))
    answers = [shell.call(command, str(run)) for command in ("status", "resume", "verify", "undo")]
    shell.call("forget", plan.manifest.plan_id, "--plans", str(plan.directory.parent), "--yes")
    answers += [shell.call(command, str(plan.directory)) for command in ("show", "apply")]

    assert shown.code == 0
    assert [output.code for output in answers] == [12] * 6
    assert all("was forgotten on" in output.stderr for output in answers)


def test_the_plan_of_a_forgotten_run_cannot_be_begun_again(shell: Shell) -> None:
    plan = planned(shell)
    run = applied(shell, plan)
    shell.call("forget", run.name, "--yes")
    shell.twilio.reset_counters()

    begun = shell.call("apply", str(plan.directory), *consent(plan), *HASTE)
    continued = shell.call("apply", str(plan.directory), "--go-on", *consent(plan), *HASTE)

    assert (begun.code, continued.code) == (12, 12)
    assert f"{run.name} was forgotten on" in begun.stderr
    assert {method for method, _, _ in shell.twilio.counters().answers} <= {"GET"}


@pytest.mark.parametrize(
    "damage",
    [
        lambda journal: os.truncate(journal, 0),
        lambda journal: os.truncate(journal, journal.stat().st_size // 2),
        lambda journal: journal.write_bytes(b"\xff" * 4096 + journal.read_bytes()[4096:]),
    ],
)
def test_a_damaged_run_is_told_by_every_command_and_can_be_forgotten(
    damage: Callable[[Path], object], shell: Shell
) -> None:
    plan = planned(shell)
    run = applied(shell, plan)
    damage(run / "journal.sqlite")

    looks = [shell.call(command, run.name) for command in ("status", "report", "verify", "undo", "resume")]
    again = shell.call("apply", str(plan.directory), *consent(plan), *HASTE)
    forgotten = shell.call("forget", run.name, "--yes")
    later = shell.call("apply", str(plan.directory), *consent(plan), *HASTE)

    assert [output.code for output in (*looks, again, forgotten, later)] == [20] * 5 + [12, 0, 12]
    assert all(
        "journal is damaged" in output.stderr and "Plan the same file again" in output.stderr for output in looks
    )
    assert f"may have been started by run {run.name}" in again.stderr
    assert [path.name for path in run.iterdir() if path.name != "audit.jsonl"] == ["forgotten.json"]


def test_what_is_forgotten_already_is_no_error_and_half_of_it_is_finished(shell: Shell) -> None:
    plan = planned(shell)
    rows = (plan.directory / "rows.parquet").read_bytes()
    first, again = (shell.call("forget", str(plan.directory), "--yes") for _ in range(2))
    (plan.directory / "rows.parquet").write_bytes(rows)

    once_more = shell.call("forget", str(plan.directory), "--yes", "--json")

    assert (first.code, again.code, once_more.code) == (0, 0, 0)
    assert "nothing to delete" in again.stdout
    assert once_more.document["forgotten"][0]["removed"] == ["rows.parquet"]


def test_nothing_is_forgotten_while_a_run_changes_the_service(shell: Shell) -> None:
    plan, other = planned(shell), planned(shell, seed=8)
    work_dir = shell.folder / "work"

    with target_lock(work_dir, plan.manifest.target, run_id="r-1", holder={}):
        output = shell.call("forget", str(plan.directory), str(other.directory), "--yes", "--json")

    assert output.code == 13
    assert len(output.document["locked"]) == 2
    assert "r-1" in output.stderr
    assert len(list(plan.rows())) == 5
    assert not (plan.directory / "forgotten.json").exists()


@pytest.mark.parametrize("command", ["apply", "resume"])
def test_what_is_forgotten_while_twilio_is_asked_is_not_begun(
    command: str, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planned(shell)
    run = applied(shell, plan) if command == "resume" else None
    find_target = Session.find_target

    async def forgotten_meanwhile(session: Session, service_sid: str | None) -> Any:
        found = await find_target(session, service_sid)
        tombstone = Tombstone(at=datetime.now(UTC), os_user="ann", host="elsewhere")
        write_tombstone(run or plan.directory, tombstone, plan_id=None)
        return found

    monkeypatch.setattr(Session, "find_target", forgotten_meanwhile)
    before = [] if run is None else journal_of(run, "SELECT * FROM event")

    output = shell.call(command, str(run or plan.directory), "--json", *consent(plan), *HASTE)

    assert output.code == 12
    assert "was forgotten" in output.stderr
    assert before == ([] if run is None else journal_of(run, "SELECT * FROM event"))


def test_a_link_that_looks_left_behind_does_not_lead_to_what_it_points_at(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    precious = shell.folder / "precious"
    precious.mkdir()
    (precious / "file").write_text("of somebody")
    link = shell.folder / "plans" / ".unfinished-link"
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(precious)

    monkeypatch.setattr(SystemClock, "now", lambda _: datetime.now(UTC) + timedelta(days=31))
    output = shell.call("forget", "--retain", "30d", "--plans", str(link.parent), "--yes", "--json")

    assert (output.code, output.document["forgotten"]) == (0, [])
    assert (precious / "file").exists()


def test_a_link_to_a_plan_elsewhere_does_not_forget_that_plan(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned(shell)
    shared = shell.folder / "shared"
    shared.mkdir()
    (shared / plan.directory.name).symlink_to(plan.directory)

    monkeypatch.setattr(SystemClock, "now", lambda _: datetime.now(UTC) + timedelta(days=31))
    output = shell.call("forget", "--retain", "30d", "--plans", str(shared), "--yes", "--json")

    assert (output.code, output.document["forgotten"]) == (0, [])
    assert (plan.directory / "rows.parquet").exists()


def test_what_was_used_lately_is_retained_and_what_was_not_goes(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    plans = str(shell.folder / "plans")
    plan = planned(shell)
    run = applied(shell, plan)
    left_behind = shell.folder / "plans" / ".unfinished-x"
    left_behind.mkdir()
    (left_behind / "rows.parquet").write_text(MARK)
    later = datetime.now(UTC) + timedelta(days=31)

    young = shell.call("forget", "--retain", "30d", "--plans", plans, "--yes", "--json")
    assert young.document["forgotten"] == []
    monkeypatch.setattr(SystemClock, "now", lambda _: later)
    old = shell.call("forget", "--retain", "30d", "--plans", plans, "--yes", "--json")
    again = shell.call("forget", "--retain", "30d", "--plans", plans)

    assert [done["kind"] for done in old.document["forgotten"]] == ["plan", "unfinished plan"]
    assert not left_behind.exists()
    assert not (run / "results.csv").exists()
    assert (again.code, again.stdout) == (0, "There is nothing to delete.\n")


def test_what_can_no_longer_be_found_out_is_shown_before(shell: Shell) -> None:
    run = applied(shell, planned(shell))
    with closing(sqlite3.connect(run / "journal.sqlite")) as connection:
        connection.execute("UPDATE row SET state = 'unknown' WHERE plan_row_id < 2")
        connection.commit()

    output = shell.call("forget", str(run))

    assert "2 rows of unknown outcome can no longer be resolved" in output.stdout
    assert "3 changed rows can no longer be undone or verified" in output.stdout


def test_what_a_killed_planning_has_left_is_named(shell: Shell) -> None:
    left_behind = shell.folder / "plans" / ".unfinished-x"
    left_behind.mkdir(parents=True)

    output = shell.call("forget", "--retain", "0s", "--plans", str(shell.folder / "plans"))

    assert output.code == 16
    assert f"{left_behind}  left behind by a killed readstate plan: all of it goes" in output.stdout


def test_a_plan_that_is_being_made_is_not_left_behind_however_long_that_takes(shell: Shell) -> None:
    plans = shell.folder / "plans"

    with PlanWriter(plans) as writer:
        output = shell.call("forget", "--retain", "0s", "--plans", str(plans), "--yes")
        assert writer.directory.is_dir()

    assert output.stdout == "There is nothing to delete.\n"


def test_a_run_whose_plan_lies_elsewhere_is_forgotten_by_age_too(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    run = applied(shell, planned(shell))
    later = datetime.now(UTC) + timedelta(days=31)
    monkeypatch.setattr(SystemClock, "now", lambda _: later)

    output = shell.call("forget", "--retain", "30d", "--plans", str(shell.folder / "nowhere"), "--yes", "--json")

    assert [done.get("run_id") for done in output.document["forgotten"]] == [run.name]


def test_a_person_at_a_terminal_is_asked(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned(shell)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    asked: list[str] = []
    monkeypatch.setattr("click.confirm", lambda text, **_: asked.append(text))

    assert shell.call("forget", str(plan.directory)).code == 0
    assert asked == ["Forget 1 plan or run for good?"]


def test_wrong_words_are_told(shell: Shell) -> None:
    assert shell.call("forget").code == 64
    assert shell.call("forget", "p-1", "--retain", "30d").code == 64
    assert shell.call("forget", "--retain", "soon").code == 10
    without_unit = shell.call("forget", "--retain", "30")
    assert without_unit.code == 64
    assert "--retain 30d" in without_unit.stderr
    nothing = shell.call("forget", "x-1")
    assert nothing.code == 10
    assert "there is neither a plan nor a run x-1" in nothing.stderr


def test_a_file_that_cannot_be_removed_is_told_and_the_plan_counts_as_forgotten(shell: Shell) -> None:
    plan = planned(shell)
    (plan.directory / "rows.parquet").unlink()
    (plan.directory / "rows.parquet").mkdir()

    output = shell.call("forget", str(plan.directory), "--yes")

    assert output.code == 20
    assert "run the same command again" in output.stderr
    assert "was forgotten on" in shell.call("show", str(plan.directory)).stderr
