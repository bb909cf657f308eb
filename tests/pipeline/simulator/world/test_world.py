import subprocess
import sys
from itertools import islice

import pytest

from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.world.world import World


def test_the_same_identity_is_another_user_in_another_service() -> None:
    here, there = World(WorldShape(users=100, services=2)).services

    assert here.user(0) is not None
    assert there.user(0) is not None
    assert here.user(0).identity == there.user(0).identity
    assert here.user(0).sid != there.user(0).sid
    assert there.find_user(here.user(0).sid) is None


def test_the_seed_decides_everything() -> None:
    def facts(seed: int) -> list[object]:
        service = World(WorldShape(users=30, seed=seed)).default_service
        return [service.sid, *service.users(), *service.conversations()]

    assert facts(4) == facts(4)
    assert facts(4) != facts(5)


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_a_world_of_a_million_users_takes_less_than_200_mb() -> None:
    script = (
        "from pathlib import Path\n"
        "from readstate.simulator.world.world import World\n"
        "from readstate.simulator.seed.world_shape import WorldShape\n"
        "world = World(WorldShape(users=1_000_000, services=2))\n"
        "users = world.default_service.users()\n"
        "rows = [world.default_service.conversations_of(next(users).number) for _ in range(100)]\n"
        "status = Path('/proc/self/status').read_text()\n"
        "print(int(status.partition('VmHWM:')[2].split()[0]) // 1024)\n"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert int(done.stdout) < 200


def test_users_are_shared_out_among_the_services() -> None:
    shape = WorldShape(users=101, services=3)

    sizes = [len(list(islice(service.users(), 1000))) for service in World(shape).services]

    assert sizes == [51, 25, 25]
