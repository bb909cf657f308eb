from pathlib import Path

import pytest

from readstate.errors import ExitCode
from tests.helpers.cli_shell import RunCommand


@pytest.fixture
def plan(connected: RunCommand, changes: Path) -> Path:
    return Path(connected("plan", str(changes), "--json").document["plan_dir"])


@pytest.mark.parametrize("form", ["text", "json", "md", "html"])
def test_a_plan_can_be_shown_in_every_form(form: str, plan: Path, connected: RunCommand) -> None:
    shown = connected("show", str(plan), "--format", form)

    assert shown.code == 0
    assert plan.name in shown.stdout
    if form == "html":
        assert shown.stdout == (plan / "summary.html").read_text()


def test_a_plan_is_found_by_its_id_and_may_exit_with_2(plan: Path, connected: RunCommand) -> None:
    shown = connected("show", plan.name, "--plans", "plans", "--detailed-exitcode")

    assert shown.code == ExitCode.CHANGES_PRESENT


def test_some_rows_of_a_plan_can_be_shown(plan: Path, connected: RunCommand) -> None:
    assert connected("show", str(plan), "--only", "delete").stdout.startswith(" - line 5")
    assert "notification_level" in connected("show", str(plan), "--row", "1").stdout
    assert connected("show", str(plan), "--row", "99").code == ExitCode.BAD_INPUT
    assert "1 of 4 rows" in connected("show", str(plan), "--limit", "1", "--format", "md").stdout


def test_a_plan_that_was_touched_is_not_shown(plan: Path, connected: RunCommand) -> None:
    manifest = plan / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"deletes": 1', '"deletes": 0'))

    assert connected("show", str(plan)).code == ExitCode.PLAN_UNUSABLE
