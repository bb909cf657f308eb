"""Kills one export at random moments, again and again, and compares what it publishes with the simulator's world.

    python -m tests.soak.kill_exports [KILLS] [USERS] [SEED]

Runs under 1 % connection resets and 2 % answers of 5xx. Prints how much was asked again.
"""

import json
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import running
from readstate.simulator.world.world import World
from tests.helpers.exporting import assert_same, published_rows, world_rows
from tests.helpers.processes import environment, finish, start


def main(kills: int = 20, users: int = 5000, seed: int = 11) -> None:
    chance = random.Random(seed)
    shape = WorldShape(users=users, services=2, conversations_per_user=5, odd_identities=0.1, seed=seed)
    faults = Faults(latency_ms=110, reset_before_share=0.005, reset_after_share=0.005, error_share=0.02)
    with tempfile.TemporaryDirectory() as name, running(World(shape), faults=faults) as twilio:
        folder = Path(name)
        env = environment(twilio, folder)
        command = ["export", "--out", str(folder / "root"), "--date", "2024-11-23", "--max-in-flight", "40"]
        command += ["--config", str(_config(folder))]
        for number in range(1, kills + 1):
            process = start(command, env)
            life = chance.uniform(0.4, 3.0)
            time.sleep(life)
            alive = process.poll() is None
            process.send_signal(signal.SIGKILL)
            _, stderr = process.communicate()
            print(f"kill {number:2}: after {life:.2f} s, {twilio.counters().requests} requests so far", flush=True)
            assert alive, f"it ended by itself:\n{stderr}"
        done = finish([*command, "--json"], env)
        assert done.returncode == 0, done.stderr
        manifest = json.loads(done.stdout)["manifest"]
        published, expected = published_rows(folder / "root"), world_rows(twilio)
        assert_same(published, expected)
        asked = twilio.counters().requests
        needed = sum(max(1, -(-rows // 50)) for rows in _rows_by_user(expected, users)) + -(-users // 50) + 3
        print(f"{len(published)} rows published, the world has {len(expected)}: the same, none twice")
        print(f"starts {manifest['starts']}, complete {manifest['complete']}")
        print(f"requests {asked}, a run without faults and kills needs about {needed}: {asked / needed - 1:.0%} more")


def _config(folder: Path) -> Path:
    """Parts of a second, so that starts of a second or two get somewhere."""
    path = folder / "settings.toml"
    path.write_text("part_seconds = 1.0\n")
    return path


def _rows_by_user(rows: dict[tuple[str, str, str], object], users: int) -> list[int]:
    counts: dict[tuple[str, str], int] = {}
    for service, user, _ in rows:
        counts[service, user] = counts.get((service, user), 0) + 1
    return [*counts.values(), *([0] * (users - len(counts)))]


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
