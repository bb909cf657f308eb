import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from readstate.changes.plans.tombstone import Tombstone, write_tombstone
from readstate.changes.runs.lock import target_lock
from readstate_jobs.cli.session import Session
from tests.helpers.apply_commands import HASTE, apply
from tests.helpers.bulk_changes import consent
from tests.helpers.cli_shell import Shell
from tests.helpers.forgetting import MARK, applied, planned


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

    begun = apply(shell, plan)
    continued = apply(shell, plan, "--go-on")

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
    again = apply(shell, plan)
    forgotten = shell.call("forget", run.name, "--yes")
    later = apply(shell, plan)

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


def test_what_can_no_longer_be_found_out_is_shown_before(shell: Shell) -> None:
    run = applied(shell, planned(shell))
    with closing(sqlite3.connect(run / "journal.sqlite")) as connection:
        connection.execute("UPDATE row SET state = 'unknown' WHERE plan_row_id < 2")
        connection.commit()

    output = shell.call("forget", str(run))

    assert "2 rows of unknown outcome can no longer be resolved" in output.stdout
    assert "3 changed rows can no longer be undone or verified" in output.stdout


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
