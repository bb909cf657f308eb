"""``kill -9`` of an apply at 50 random moments and at each named point, with answers lost after the effect.

``python -m tests.soak.kill_applies [KILLS]``. Each run is then resumed until it is done; its state must be that of one
clean run, no member removed twice and no row written twice.
"""

import random
import sys
import tempfile
import time
from pathlib import Path

from readstate.simulator.api.behaviour import Behaviour
from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import running
from readstate.simulator.world.world import World
from tests.helpers.bulk_changes import assert_one_clean_run, consent, mixed_lines, wanted_state
from tests.helpers.crash_points import POINTS
from tests.helpers.process_shell import ProcessShell

_CARE = ("--settle", "0.05,0.15", "--canary", "5")


def main(kills: int) -> None:
    dice = random.Random(11)
    done = rounds = 0
    while done < kills:
        done += _round(dice, kills - done)
        rounds += 1
    print(f"{done} kills at random moments in {rounds} runs: each ended as one clean run")
    for point in POINTS:
        for number in (1,) if "results" in point else (1, 9, 30):
            _at_point(point, number)
    print(f"killed at {len(POINTS)} named points: each ended as one clean run")


def _round(dice: random.Random, most: int) -> int:
    with tempfile.TemporaryDirectory() as folder, _world() as twilio:
        shell = ProcessShell(twilio, Path(folder), {"READSTATE_WRITES_PER_SECOND": "2000"})
        plan = shell.plan(mixed_lines(twilio, updates=150, removals=40))
        wanted = wanted_state(twilio, plan)
        twilio.faults = Faults(latency_ms=3, reset_after_share=0.05, error_after_effect_share=0.02, truncate_share=0.01)
        process, killed, run_dir = shell.start("apply", str(plan.directory), *consent(plan), *_CARE), 0, None
        while killed < most:
            target = len(twilio.effects()) + dice.randint(1, 60)
            while process.poll() is None and len(twilio.effects()) < target:
                time.sleep(0.001)
            time.sleep(dice.random() * 0.01)
            if process.poll() is not None:
                break
            process.kill()
            killed += 1
            process.communicate()
            run_dir = shell.run_dirs()[0]
            process = shell.start("resume", str(run_dir), *_CARE)
        process.communicate()
        run_dir = run_dir or shell.run_dirs()[0]
        _finish(shell, plan, wanted, run_dir)
        return killed


def _at_point(point: str, number: int) -> None:
    with tempfile.TemporaryDirectory() as folder, _world() as twilio:
        shell = ProcessShell(twilio, Path(folder), {"READSTATE_WRITES_PER_SECOND": "2000"})
        plan = shell.plan(mixed_lines(twilio, updates=40, removals=15))
        wanted = wanted_state(twilio, plan)
        twilio.faults = Faults(latency_ms=3, reset_after_share=0.05)
        words = (point, str(number), "apply", str(plan.directory), *consent(plan), *_CARE)
        output = shell.run(*words, module=("tests.helpers.crash_points",))
        _finish(shell, plan, wanted, shell.run_dirs()[0])
        print(f"{point} {number}: {'killed' if output.code == -9 else 'not reached'}, resumed, as one clean run")


def _finish(shell: ProcessShell, plan, wanted, run_dir: Path) -> None:
    for _ in range(8):
        output = shell.run("resume", str(run_dir), *_CARE)
        if output.code == 0:
            break
    assert output.code == 0, output
    assert_one_clean_run(shell.twilio, plan, wanted, run_dir)


def _world():
    shape = WorldShape(users=300, services=1, heaviest=30, odd_identities=0.0)
    return running(World(shape), faults=Faults(latency_ms=3), behaviour=Behaviour(actions_per_second=0))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50)
