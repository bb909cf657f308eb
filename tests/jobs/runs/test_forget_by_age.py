"""``forget --retain``: what was not used for some time."""

from pathlib import Path
from typing import Any

from readstate.changes.plans.writer import PlanWriter
from tests.helpers.cli_shell import Shell
from tests.helpers.forgetting import MARK, applied, planned


def forgotten(shell: Shell, plans: Path, retain: str = "0s") -> list[dict[str, Any]]:
    output = shell.call("forget", "--retain", retain, "--plans", str(plans), "--yes", "--json")
    assert output.code == 0, output
    found: list[dict[str, Any]] = output.document["forgotten"]
    return found


def test_a_link_that_looks_left_behind_does_not_lead_to_what_it_points_at(shell: Shell) -> None:
    precious = shell.folder / "precious"
    precious.mkdir()
    (precious / "file").write_text("of somebody")
    link = shell.folder / "plans" / ".unfinished-link"
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(precious)

    assert forgotten(shell, link.parent) == []
    assert (precious / "file").exists()


def test_a_link_to_a_plan_elsewhere_does_not_forget_that_plan(shell: Shell) -> None:
    plan = planned(shell)
    shared = shell.folder / "shared"
    shared.mkdir()
    (shared / plan.directory.name).symlink_to(plan.directory)

    assert forgotten(shell, shared) == []
    assert (plan.directory / "rows.parquet").exists()


def test_what_was_used_lately_is_retained_and_what_was_not_goes(shell: Shell) -> None:
    plans = shell.folder / "plans"
    run = applied(shell, planned(shell))
    left_behind = plans / ".unfinished-x"
    left_behind.mkdir()
    (left_behind / "rows.parquet").write_text(MARK)

    young, old = forgotten(shell, plans, "30d"), forgotten(shell, plans)
    again = shell.call("forget", "--retain", "0s", "--plans", str(plans))

    assert young == []
    assert [done["kind"] for done in old] == ["plan", "unfinished plan"]
    assert not left_behind.exists()
    assert not (run / "results.csv").exists()
    assert (again.code, again.stdout) == (0, "There is nothing to delete.\n")


def test_what_a_killed_planning_has_left_is_named(shell: Shell) -> None:
    left_behind = shell.folder / "plans" / ".unfinished-x"
    left_behind.mkdir(parents=True)

    output = shell.call("forget", "--retain", "0s", "--plans", str(shell.folder / "plans"))

    assert output.code == 16
    assert f"{left_behind}  left behind by a killed readstate plan: all of it goes" in output.stdout


def test_a_plan_that_is_being_made_is_not_left_behind_however_long_that_takes(shell: Shell) -> None:
    with PlanWriter(shell.folder / "plans") as writer:
        assert forgotten(shell, shell.folder / "plans") == []
        assert writer.directory.is_dir()


def test_a_run_whose_plan_lies_elsewhere_is_forgotten_by_age_too(shell: Shell) -> None:
    run = applied(shell, planned(shell))

    assert [done.get("run_id") for done in forgotten(shell, shell.folder / "nowhere")] == [run.name]
