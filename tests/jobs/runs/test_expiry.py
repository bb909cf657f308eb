from collections.abc import Iterator

import pytest

from readstate.simulator.faults.faults import Faults
from readstate.simulator.server.server import RunningSimulator
from tests.helpers.bulk_changes import consent, mixed_lines, unwatched
from tests.helpers.cli_shell import Shell

HASTE = ("--settle", "0.05,0.1", "--canary", "0")
TWO_DAYS_LATER = Faults(clock_skew_seconds=48 * 3600)


@pytest.fixture
def twilio() -> Iterator[RunningSimulator]:
    with unwatched(users=60, services=1) as simulator:
        yield simulator


def test_a_run_that_was_begun_in_time_goes_on_with_its_plan_and_says_how_old_that_is(shell: Shell) -> None:
    plan = shell.plan(mixed_lines(shell.twilio, updates=4, removals=1))
    shell.twilio.faults = Faults(conflict_share=1.0)
    begun = shell.call("apply", str(plan.directory), "--json", *consent(plan), *HASTE)
    shell.twilio.faults = TWO_DAYS_LATER

    output = shell.call("resume", begun.document["run_id"], "--json")

    assert (begun.document["counts"]["applied"], output.document["counts"]["applied"]) == (0, 5)
    assert output.code == 0
    assert f"plan {plan.manifest.plan_id} expired at {plan.manifest.expires_at:%Y-%m-%d %H:%M} UTC" in output.stderr


def test_a_row_that_was_changed_in_those_days_is_left_alone(shell: Shell) -> None:
    lines = [line for line in mixed_lines(shell.twilio, updates=8, removals=0) if "notification_level" in line][:2]
    plan = shell.plan(lines, "--mode", "exact")
    shell.twilio.faults = Faults(conflict_share=1.0)
    begun = shell.call("apply", str(plan.directory), "--json", *HASTE)
    shell.twilio.faults = Faults()
    leaver = shell.plan([{"user": lines[0]["user"], "conversation": lines[0]["conversation"], "op": "delete"}])
    assert shell.call("apply", str(leaver.directory), *consent(leaver), *HASTE).code == 0
    shell.twilio.faults = TWO_DAYS_LATER

    output = shell.call("resume", begun.document["run_id"], "--json")

    assert (output.document["counts"]["applied"], output.document["counts"]["not_found"]) == (1, 1)


def test_nothing_is_begun_with_an_expired_plan(shell: Shell) -> None:
    plan = shell.plan(mixed_lines(shell.twilio, updates=2, removals=0))
    shell.twilio.faults = TWO_DAYS_LATER

    output = shell.call("apply", str(plan.directory), *HASTE)

    assert output.code == 12
    assert "plan again" in output.stderr
    assert shell.twilio.effects() == []
    assert shell.run_dirs() == []
