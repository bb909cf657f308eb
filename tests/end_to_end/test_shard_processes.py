import json
import re
import subprocess
import sys
from pathlib import Path

from msgspec.structs import replace

from readstate.errors import ExitCode
from readstate.simulator.server.server import RunningSimulator
from tests.helpers.exporting import assert_same, published_rows, world_rows
from tests.helpers.processes import (
    LONGEST_SECONDS,
    environment,
    finish,
    kill_after_a_part,
    spawn,
    start,
)
from tests.helpers.repository import PIPELINE

RUN = ["--run", "nightly"]


def shard(number: int, count: int, folder: Path) -> list[str]:
    return [
        "export", "--out", str(folder / "root"), "--date", "2024-11-23", "--max-in-flight", "10",
        "--shard", f"{number}/{count}", *RUN,
    ]  # fmt: skip


def publish(folder: Path) -> list[str]:
    return ["publish", str(folder / "root"), *RUN, "--json"]


def test_shards_at_once_one_of_them_killed_twice_give_the_world(twilio: RunningSimulator, tmp_path: Path) -> None:
    twilio.faults = replace(twilio.faults, latency_ms=100)
    env = environment(twilio, tmp_path, READSTATE_PART_ROWS="50")
    other = start(shard(2, 2, tmp_path), env)
    for _ in range(2):
        kill_after_a_part(shard(1, 2, tmp_path), env, tmp_path / "work" / "shards", "*-1-of-2")
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
