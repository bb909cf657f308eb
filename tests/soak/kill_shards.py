"""Kills the shards of an export at random, publishes early, and looks at every snapshot that `publish` calls published.

    python -m tests.soak.kill_shards [ROUNDS] [SEED]

A publish that ends with 0 must have published every row of the simulator's world, whatever became of the processes;
any other ends with 11 (a shard is missing), 13, or 10 (nothing is staged yet).
"""

import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import RunningSimulator, running
from readstate.simulator.world.world import World
from tests.helpers.exporting import assert_same, published_rows, world_rows
from tests.helpers.processes import environment, finish, start

_SHARDS = range(1, 4)
_TURNS = 8


def main(rounds: int = 12, seed: int = 1) -> None:
    chance, ends = random.Random(seed), Counter[str]()
    shape = WorldShape(users=200, services=2, conversations_per_user=5, odd_identities=0.1, seed=seed)
    with tempfile.TemporaryDirectory() as name, running(World(shape), faults=Faults(latency_ms=40)) as twilio:
        for number in range(rounds):
            ends.update(_round(twilio, Path(name) / str(number), chance))
            print(f"round {number}: {dict(ends)}", flush=True)


def _round(twilio: RunningSimulator, folder: Path, chance: random.Random) -> Counter[str]:
    """Start and kill the shards of one run again and again; return how often publishing ended in which way."""
    ends = Counter[str]()
    env = environment(twilio, folder)
    done: set[int] = set()
    for _ in range(_TURNS):
        started = {shard: start(_shard(folder, shard, chance), env) for shard in _SHARDS if shard not in done}
        time.sleep(chance.uniform(0.5, 3.0))
        if chance.random() < 0.5:
            ends[_publish(twilio, folder, env, whole=len(done) == len(_SHARDS))] += 1
        for process in started.values():
            if chance.random() < 0.6:
                process.kill()
        for shard, process in started.items():
            process.communicate()
            if process.returncode == 0:
                done.add(shard)
        ends[_publish(twilio, folder, env, whole=len(done) == len(_SHARDS))] += 1
        if len(done) == len(_SHARDS) and chance.random() < 0.5:
            done.clear()  # the same night is exported once more
    return ends


def _shard(folder: Path, shard: int, chance: random.Random) -> list[str]:
    restart = ["--restart"] if chance.random() < 0.2 else []
    return [
        "export", "--out", str(folder / "root"), "--date", "2024-11-23", "--run", "nightly",
        "--shard", f"{shard}/{len(_SHARDS)}", "--max-in-flight", "8", *restart,
    ]  # fmt: skip


def _publish(twilio: RunningSimulator, folder: Path, env: dict[str, str], *, whole: bool) -> str:
    output = finish(["publish", str(folder / "root"), "--run", "nightly"], env)
    state = "all shards had ended well" if whole else "a shard had not ended well"
    if output.returncode == 0:
        assert_same(published_rows(folder / "root"), world_rows(twilio))
        return f"published, {state}, complete"
    assert output.returncode in {10, 11, 13}, output.stderr
    return f"exit {output.returncode}, {state}"


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
