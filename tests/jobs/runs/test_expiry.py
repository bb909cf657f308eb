from readstate.simulator.faults.faults import Faults
from tests.helpers.apply_commands import apply
from tests.helpers.bulk_changes import mixed_lines
from tests.helpers.cli_shell import Shell

TWO_DAYS_LATER = Faults(clock_skew_seconds=48 * 3600)


def test_a_run_that_was_begun_in_time_goes_on_with_its_plan_and_says_how_old_that_is(shell: Shell) -> None:
    plan = shell.plan(mixed_lines(shell.twilio, updates=4, removals=1))
    shell.twilio.faults = Faults(conflict_share=1.0)
    begun = apply(shell, plan, "--canary", "0")
    shell.twilio.faults = TWO_DAYS_LATER

    output = shell.call("resume", begun.document["run_id"], "--json")

    assert (begun.document["counts"]["applied"], output.document["counts"]["applied"]) == (0, 5)
    assert output.code == 0
    assert f"plan {plan.manifest.plan_id} expired at {plan.manifest.expires_at:%Y-%m-%d %H:%M} UTC" in output.stderr


def test_a_row_that_was_changed_in_those_days_is_left_alone(shell: Shell) -> None:
    lines = [line for line in mixed_lines(shell.twilio, updates=8, removals=0) if "notification_level" in line][:2]
    plan = shell.plan(lines, "--mode", "exact")
    shell.twilio.faults = Faults(conflict_share=1.0)
    begun = apply(shell, plan, "--canary", "0")
    shell.twilio.faults = Faults()
    leaver = shell.plan([{"user": lines[0]["user"], "conversation": lines[0]["conversation"], "op": "delete"}])
    assert apply(shell, leaver).code == 0
    shell.twilio.faults = TWO_DAYS_LATER

    output = shell.call("resume", begun.document["run_id"], "--json")

    assert (output.document["counts"]["applied"], output.document["counts"]["not_found"]) == (1, 1)


def test_nothing_is_begun_with_an_expired_plan(shell: Shell) -> None:
    plan = shell.plan(mixed_lines(shell.twilio, updates=2, removals=0))
    shell.twilio.faults = TWO_DAYS_LATER

    output = apply(shell, plan)

    assert output.code == 12
    assert "plan again" in output.stderr
    assert shell.twilio.effects() == []
    assert shell.run_dirs() == []
