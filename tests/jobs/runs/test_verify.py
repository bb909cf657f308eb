from pathlib import Path

from readstate.changes.plans.reader import Plan
from tests.helpers.apply_commands import HASTE, apply
from tests.helpers.cli_shell import Shell


def test_verify_and_undo_tell_people_and_machines(shell: Shell, plan: Plan) -> None:
    apply(shell, plan)
    plans = str(shell.folder / "plans")

    assert shell.call("verify", "last", "--json").document["counts"] == {"at_target": 16}
    assert "at target" in shell.call("verify", "last", "--sample", "50%").stdout
    undo = shell.call("undo", "last", "-o", plans, "--json").document
    assert undo["counts"]["update"] == 12
    assert undo["counts"]["blocked"] == 4
    assert Path(undo["plan_dir"], "summary.html").is_file()
    assert "readstate apply" in shell.call("undo", "last", "-o", plans, "--first-set-to", "0").stdout


def test_verify_names_rows_that_are_no_longer_so(shell: Shell, plan: Plan) -> None:
    run_id = apply(shell, plan).document["run_id"]
    undo = shell.call("undo", "last", "-o", str(shell.folder / "plans"), "--json").document
    assert shell.call("apply", undo["plan_dir"], *HASTE).code == 0

    output = shell.call("verify", run_id)

    assert output.code == 3
    assert "at before" in output.stdout
    document = shell.call("verify", run_id, "--json").document
    assert {row["standing"] for row in document["differences"]} == {"at_before"}
