from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

from readstate.changes.plans.reader import Plan
from readstate.model.resources import User
from readstate.snapshot.workspace.checkpoint import Checkpoint
from readstate.snapshot.workspace.checkpoint_rows import SealedPart
from readstate.snapshot.workspace.run import begin
from readstate.snapshot.workspace.users import UserResult
from readstate.snapshot.workspace.workspace import export_workspace
from readstate_jobs.runs.status import watch
from tests.helpers.apply_commands import apply
from tests.helpers.cli_shell import Shell
from tests.helpers.fake_clock import FakeClock


def test_nothing_is_unfinished_where_nothing_was_begun_or_all_is_done(shell: Shell, plan: Plan) -> None:
    apply(shell, plan)
    assert shell.call("export", "--out", str(shell.folder / "root")).code == 0

    listed = shell.call("status", "--plans", str(shell.folder / "plans"))

    assert listed.stdout.startswith("Nothing is unfinished.")


@contextmanager
def _begun_export(work_dir: Path) -> Iterator[None]:
    """Hold an export that has listed three users of a service, perhaps not all, and read one of them."""
    with export_workspace(work_dir, root="root", day=date(2024, 11, 23)) as held:
        checkpoint = Checkpoint(held.checkpoint)
        options = {"snapshot_date": "2024-11-23"}
        begin(checkpoint, root="root", run_id="e-1", account_sid=None, options=options, clock=FakeClock())
        checkpoint.add_service("IS1")
        checkpoint.add_users("IS1", [User(sid=f"US{number}", identity=None) for number in range(3)], next_page='"x"')
        (taken,) = checkpoint.claim(1)
        checkpoint.commit(SealedPart("part", 7), [UserResult(taken.id, "read", 7, FakeClock().now())])
        checkpoint.close()
        yield


def test_unfinished_exports_runs_and_plans_are_listed_with_the_next_step(
    shell: Shell, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shell.folder)
    shell.call("apply", "last", "--confirm-deletes", "4", "--canary", "5", "--canary-pause")
    waiting = shell.call("undo", "last", "-o", "plans", "--json").document["plan_id"]
    with _begun_export(shell.folder / "work"):
        while_it_runs = shell.call("status", "--json").document["exports"]

    document = shell.call("status", "--json").document
    listed = shell.call("status").stdout

    (export,), (run,), (found,) = document["exports"], document["runs"], document["plans"]
    assert (while_it_runs[0]["state"], export["state"]) == ("running", "stopped")
    assert (export["root"], export["run_id"], export["snapshot_date"]) == ("root", "e-1", "2024-11-23")
    assert (export["users_done"], export["users_listed"], export["list_complete"], export["rows"]) == (1, 3, False, 7)
    assert (run["state"], run["rows_done"], run["rows"]) == ("stopped", 5, 16)
    assert found["plan_id"] == waiting
    assert "export of 2024-11-23 to root" in listed
    assert "1 of 3 or more users, 7 rows" in listed
    assert "its command again, with --date 2024-11-23" in listed
    assert f"readstate resume {run['run_id']}" in listed
    assert f"readstate show plans/{waiting}" in listed


def test_what_is_damaged_is_reported_and_the_others_are_listed(shell: Shell, plan: Plan) -> None:
    folder = shell.folder / "work" / "exports" / "2024-11-23-0123456789ab"
    folder.mkdir(parents=True)
    (folder / "checkpoint.sqlite").write_bytes(b"no database" * 1000)

    listed = shell.call("status", "--plans", str(shell.folder / "plans"))

    assert "the checkpoint is damaged" in listed.stderr
    assert plan.manifest.plan_id in listed.stdout


def test_watching_ends_when_nothing_runs_any_more() -> None:
    answers, waits = iter(["running", "running", "finished"]), list[float]()

    last = watch(lambda: next(answers), lambda shown: shown == "running", wait=waits.append)

    assert (last, waits) == ("finished", [2.0, 2.0])


def test_ctrl_c_ends_the_watching_without_a_failure() -> None:
    def press_ctrl_c(_: float) -> None:
        raise KeyboardInterrupt

    assert watch(lambda: "running", lambda _: True, wait=press_ctrl_c) == "running"


@pytest.mark.parametrize("flags", [["--watch", "--json"], ["--exit-code"]])
def test_flags_that_make_no_sense_together_are_refused(shell: Shell, flags: list[str]) -> None:
    assert shell.call("status", *flags).code == 64
