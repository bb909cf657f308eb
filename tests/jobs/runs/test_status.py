from readstate.changes.plans.reader import Plan
from tests.helpers.apply_commands import apply
from tests.helpers.cli_shell import Shell


def test_status_works_on_a_finished_run_for_people_and_for_machines(shell: Shell, plan: Plan) -> None:
    run_id = apply(shell, plan).document["run_id"]

    assert f"{run_id}  finished" in shell.call("status", run_id).stdout
    document = shell.call("status", "last", "--json").document
    assert (document["state"], document["in_doubt"], document["counts"]["applied"]) == ("finished", 0, 16)
    assert shell.call("status", run_id, "--exit-code").code == 0
    assert shell.call("status", "r-nowhere").code == 10
