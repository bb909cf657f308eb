"""Bulk changes in processes of their own: killed at every named point, interrupted, looked at from outside."""

import dataclasses
import json
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from readstate.changes.runs.journal import open_read_only
from readstate.simulator.api.behaviour import Behaviour
from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import RunningSimulator, running
from readstate.simulator.world.world import World
from tests.helpers.bulk_changes import assert_agreement, assert_one_clean_run, consent, mixed_lines, wanted_state
from tests.helpers.crash_points import POINTS
from tests.helpers.process_shell import ProcessShell
from tests.helpers.processes import LONGEST_SECONDS, wait_until

DYING = ("tests.helpers.crash_points",)
QUICK = {"READSTATE_WRITES_PER_SECOND": "2000"}
HASTE = ("--settle", "0.05,0.1", "--canary", "3")


@pytest.fixture
def twilio() -> Iterator[RunningSimulator]:
    with running(
        World(WorldShape(users=200, services=1, heaviest=30, odd_identities=0.0)),
        faults=Faults(latency_ms=4),
        behaviour=Behaviour(actions_per_second=0),
    ) as simulator:
        yield simulator


@pytest.fixture
def shell(twilio: RunningSimulator, tmp_path: Path) -> ProcessShell:
    return ProcessShell(twilio, tmp_path, QUICK)


def resume_until_done(shell: ProcessShell, run_dir: Path, *, most: int = 6) -> int:
    for _ in range(most):
        output = shell.call("resume", str(run_dir), "--json", *HASTE)
        if output.code == 0:
            return output.code
        assert output.code in {3, 5, 15}, output
    raise AssertionError(f"still not done: {output}")


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_and_resumed_gives_the_state_of_one_clean_run(shell: ProcessShell, point: str) -> None:
    plan = shell.plan(mixed_lines(shell.twilio, updates=24, removals=6))
    wanted = wanted_state(shell.twilio, plan)
    number = "1" if "results" in point else "4"

    killed = shell.run(point, number, "apply", str(plan.directory), *consent(plan), *HASTE, module=DYING)
    (run_dir,) = shell.run_dirs()
    seen = shell.call("status", str(run_dir), "--json").document
    resume_until_done(shell, run_dir)

    assert killed.code == -signal.SIGKILL, killed
    assert seen["state"] == ("finished" if "results" in point else "killed")
    assert_one_clean_run(shell.twilio, plan, wanted, run_dir)


def test_killed_at_random_with_responses_lost_after_the_effect(shell: ProcessShell) -> None:
    shell.twilio.faults = Faults(latency_ms=4, reset_after_share=0.1)
    plan = shell.plan(mixed_lines(shell.twilio, updates=40, removals=8))
    wanted = wanted_state(shell.twilio, plan)
    dice = random.Random(3)
    process = shell.start("apply", str(plan.directory), "--writes-per-second", "20", *consent(plan), *HASTE)

    for _ in range(2):
        enough = len(shell.twilio.effects()) + dice.randint(1, 20)
        wait_until(lambda enough=enough: len(shell.twilio.effects()) >= enough, process)
        process.kill()
        process.communicate()
        (run_dir,) = shell.run_dirs()
        process = shell.start("resume", str(run_dir), "--writes-per-second", "20", *HASTE)
    process.communicate()
    resume_until_done(shell, run_dir)

    assert_one_clean_run(shell.twilio, plan, wanted, run_dir)


def test_a_signal_ends_a_run_cleanly_and_names_the_line_that_goes_on(shell: ProcessShell) -> None:
    shell.twilio.faults = Faults(latency_ms=40)
    plan = shell.plan(mixed_lines(shell.twilio, updates=60, removals=0))

    process = shell.start("apply", str(plan.directory), "--json", "--writes-per-second", "1", *HASTE)
    wait_until(lambda: bool(shell.twilio.effects()), process)
    (run_dir,) = shell.run_dirs()
    during = shell.call("status", run_dir.name, "--json").document
    locked = shell.call("resume", run_dir.name)
    process.send_signal(signal.SIGTERM)
    stdout, stderr = process.communicate(timeout=LONGEST_SECONDS)
    document = json.loads(stdout)

    assert during["state"] == "running"
    assert locked.code == 13
    assert run_dir.name in locked.stderr
    assert process.returncode == 143, stderr
    assert document["exit_code"] == 143
    assert document["resumable"] is True
    assert document["next"] == f"readstate resume {run_dir.name}"
    assert document["counts"]["cancelled"] > 0
    assert document["counts"]["unknown"] == 0
    assert f"readstate resume {run_dir.name}" in stderr
    assert shell.call("status", run_dir.name, "--exit-code").code == 143
    resume_until_done(shell, run_dir)
    assert_agreement(plan, run_dir, shell.twilio.effects())


def test_a_second_signal_leaves_at_once_and_the_journal_covers_it(shell: ProcessShell) -> None:
    plan = shell.plan(mixed_lines(shell.twilio, updates=30, removals=0))
    unanswered = {"READSTATE_READ_TIMEOUT_SECONDS": "600", "READSTATE_REQUEST_TIMEOUT_SECONDS": "600"}
    patient = dataclasses.replace(shell, settings=QUICK | unanswered)

    process = patient.start("apply", str(plan.directory), "--writes-per-second", "5", "--grace", "600s", *HASTE)
    wait_until(lambda: bool(shell.twilio.effects()), process)
    shell.twilio.faults = Faults(outage="hang")
    wait_until(lambda: shell.twilio.counters().faults["hang"] > 0, process)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert any("finishing what is in flight" in line for line in process.stderr)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=LONGEST_SECONDS)
    shell.twilio.faults = Faults(latency_ms=1)
    (run_dir,) = shell.run_dirs()
    resume_until_done(shell, run_dir)

    assert process.returncode == 130
    assert "exiting at once" in stderr
    assert_agreement(plan, run_dir, shell.twilio.effects())


def test_a_horizon_goes_back_only_where_a_client_moved_it_on_within_the_window_that_the_results_publish(
    shell: ProcessShell,
) -> None:
    # People read on right after a fetch, of the plan and of the apply: some rows are stale, and some races are lost.
    people = Faults(latency_ms=2, live_after_fetch_share=0.3, live_moves_per_second=25)
    lines = mixed_lines(shell.twilio, updates=150, removals=15)
    shell.twilio.faults = people
    plan = shell.plan(lines)
    shell.twilio.faults = replace(people, reset_after_share=0.02, conflict_share=0.02)

    output = shell.call("apply", str(plan.directory), "--json", "--max-drift", "100%", *consent(plan), *HASTE)

    shell.twilio.faults = Faults()
    outcomes = assert_agreement(plan, Path(output.document["run_dir"]), shell.twilio.effects())
    assert output.code in {0, 4}, output
    assert outcomes["applied"] > 50
    assert outcomes["converged"] > 0, "no client moved a row between plan and apply: this shows nothing"
    assert outcomes["raced"] > 0, "no client won a race: this shows nothing"
    assert output.document["counts"]["applied"] == outcomes["applied"]


def test_no_verb_but_apply_and_resume_sends_anything_but_get(shell: ProcessShell) -> None:
    plan = shell.plan(mixed_lines(shell.twilio, updates=10, removals=3))
    run_dir = Path(shell.call("apply", str(plan.directory), "--json", *consent(plan), *HASTE).document["run_dir"])
    shell.twilio.reset_counters()
    plans = str(shell.folder / "plans")

    codes = {
        arguments[0]: shell.call(*arguments).code
        for arguments in (
            ("lint", str(shell.folder / "changes.csv")),
            ("plan", str(shell.folder / "changes.csv"), "-o", plans),
            ("show", str(plan.directory)),
            ("status", str(run_dir)),
            ("verify", str(run_dir)),
            ("undo", str(run_dir), "-o", plans),
            ("apply", str(shell.folder / "changes.csv")),
        )
    }

    methods = {method for method, _, _ in shell.twilio.counters().answers}
    assert methods == {"GET"}
    assert codes == {
        "lint": 0, "plan": 0, "show": 0, "status": 0, "verify": 0, "undo": 0, "apply": 10,
    }  # fmt: skip
    journal = open_read_only(run_dir / "journal.sqlite")
    assert journal.final_state() == ("finished", 0)
    journal.close()
