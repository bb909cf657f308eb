"""Shards as processes: at once, killed, run twice."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from readstate.errors import ExitCode
from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import RunningSimulator, running
from readstate.simulator.world.world import World
from tests.helpers.exporting import assert_same, world_rows
from tests.helpers.processes import (
    LONGEST_SECONDS,
    environment,
    finish,
    spawn,
    start,
    wait_until,
)
from tests.helpers.published import published_rows
from tests.helpers.repository import PIPELINE

SHAPE = WorldShape(users=300, services=2, conversations_per_user=5, odd_identities=0.1, seed=5)
RUN = ["--run", "nightly"]


@pytest.fixture
def twilio() -> Iterator[RunningSimulator]:
    faults = Faults(concurrency_cap=None, latency_ms=15, reset_before_share=0.01, error_share=0.02)
    with running(World(SHAPE), faults=faults) as simulator:
        yield simulator


def shard(number: int, count: int, folder: Path) -> list[str]:
    return [
        "export", "--out", str(folder / "root"), "--date", "2024-11-23", "--max-in-flight", "10",
        "--shard", f"{number}/{count}", *RUN,
    ]  # fmt: skip


def publish(folder: Path) -> list[str]:
    return ["publish", str(folder / "root"), *RUN, "--json"]


def parts_on_disk(folder: Path) -> int:
    return sum(1 for path in folder.glob("work/shards/*-1-of-2/parts/*") if not path.name.startswith("."))


def test_shards_at_once_one_of_them_killed_twice_give_the_world(twilio: RunningSimulator, tmp_path: Path) -> None:
    twilio.faults = replace(twilio.faults, latency_ms=100)
    env = environment(twilio, tmp_path, READSTATE_PART_ROWS="50")
    other = start(shard(2, 2, tmp_path), env)
    for _ in range(2):
        before = parts_on_disk(tmp_path)
        killed = start(shard(1, 2, tmp_path), env)
        wait_until(lambda before=before: parts_on_disk(tmp_path) > before, killed)
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
    twilio.faults = replace(twilio.faults, latency_ms=5)
    other.communicate(timeout=LONGEST_SECONDS)
    assert other.returncode == ExitCode.DONE

    missing = finish(publish(tmp_path), env)
    assert missing.returncode == ExitCode.GUARD_REFUSED
    (line,) = [line.strip() for line in missing.stderr.splitlines() if "--shard 1/2" in line]
    resumed = finish(line.split()[1:], env)
    published = finish(publish(tmp_path), env)

    assert resumed.returncode == ExitCode.DONE, resumed.stderr
    assert "resuming nightly" in resumed.stderr
    assert published.returncode == ExitCode.DONE, published.stderr
    manifest = json.loads(published.stdout)["manifest"]
    assert manifest["complete"]
    assert manifest["starts"] == 3
    assert_same(published_rows(tmp_path / "root"), world_rows(twilio))
    assert list(tmp_path.glob("work/shards/*")) == []


PAGE = (PIPELINE / "snapshot" / "shards" / "README.md").read_text(encoding="utf-8")


def typed_in_a_terminal(line: str, env: dict[str, str]) -> subprocess.Popen[str]:
    return spawn(["/bin/sh", "-c", line], env | {"PATH": f"{Path(sys.executable).parent}:{env['PATH']}"})


def test_four_terminals_do_what_the_page_says(twilio: RunningSimulator, tmp_path: Path) -> None:
    env = environment(twilio, tmp_path)
    shards, publishing = (
        block.replace("ROOT", str(tmp_path / "root")).splitlines()
        for block in re.findall(r"^```sh\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
    )

    terminals = [typed_in_a_terminal(line, env) for line in shards]
    ends = [(terminal.communicate(timeout=LONGEST_SECONDS), terminal.returncode) for terminal in terminals]
    publisher = typed_in_a_terminal(publishing[0], env)
    said = publisher.communicate(timeout=LONGEST_SECONDS)

    assert [code for _, code in ends] == [ExitCode.DONE] * 4, ends
    assert publisher.returncode == ExitCode.DONE, said
    assert_same(published_rows(tmp_path / "root"), world_rows(twilio))


def test_the_line_for_kubernetes_reads_the_shard_of_its_index(twilio: RunningSimulator, tmp_path: Path) -> None:
    (line,) = re.findall(r"- (exec readstate export .*)", PAGE)
    env = environment(twilio, tmp_path, ROOT=str(tmp_path / "root"), RUN="nightly", JOB_COMPLETION_INDEX="3")

    pod = typed_in_a_terminal(line, env)
    said = pod.communicate(timeout=LONGEST_SECONDS)

    assert pod.returncode == ExitCode.DONE, said
    assert (tmp_path / "root" / "_staging" / "nightly" / "4-of-4" / "shard.json").exists()
