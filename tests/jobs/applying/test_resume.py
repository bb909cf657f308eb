import shutil
from pathlib import Path

from readstate.changes.plans.reader import Plan
from readstate.simulator.faults.faults import Faults
from tests.helpers.apply_commands import apply
from tests.helpers.bulk_changes import mixed_lines
from tests.helpers.cli_shell import Shell


def test_the_run_of_a_failed_row_is_resumed_and_its_file_is_kept(shell: Shell) -> None:
    plan = shell.plan(mixed_lines(shell.twilio, updates=6, removals=0))
    shell.twilio.faults = Faults(conflict_share=1.0)

    output = apply(shell, plan, "--canary", "0")

    assert output.code == 3
    assert output.document["next"] == f"readstate resume {output.document['run_id']}"
    failed = (Path(output.document["run_dir"]) / "failed.csv").read_text().splitlines()
    assert len(failed) == 7
    shell.twilio.faults = Faults()
    resumed = shell.call("resume", "last")
    assert resumed.code == 0
    assert "expired" not in resumed.stderr


def test_a_stop_file_has_to_go_before_the_run_goes_on(shell: Shell, plan: Plan) -> None:
    run_dir = Path(apply(shell, plan).document["run_dir"])
    (run_dir / "STOP").touch()

    output = shell.call("resume", str(run_dir))

    assert output.code == 15
    assert f"rm {run_dir / 'STOP'}" in output.stderr


def test_a_lost_plan_is_told(shell: Shell, plan: Plan) -> None:
    apply(shell, plan)
    shutil.rmtree(plan.directory)

    assert shell.call("resume", "last").code == 10


def test_with_go_on_the_same_line_begins_a_plan_and_goes_on_with_it(shell: Shell, plan: Plan) -> None:
    first = apply(shell, plan, "--go-on")
    effects = shell.twilio.effects()

    again = apply(shell, plan, "--go-on")

    assert (first.code, again.code) == (0, 0)
    assert again.document["run_id"] == first.document["run_id"]
    assert again.document["counts"] == first.document["counts"]
    assert shell.twilio.effects() == effects
