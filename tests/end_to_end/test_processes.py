import json
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from readstate.errors import ExitCode
from readstate.simulator.server.server import RunningSimulator
from tests.helpers.exporting import assert_same, published_rows, world_rows
from tests.helpers.processes import (
    LONGEST_SECONDS,
    environment,
    finish,
    kill_after_a_part,
    start,
    start_and_hold,
    wait_for_requests,
)


def export_to(folder: Path) -> list[str]:
    return ["export", "--out", str(folder / "root"), "--date", "2024-11-23", "--max-in-flight", "10"]


def test_killed_again_and_again_the_export_publishes_each_row_once(twilio: RunningSimulator, tmp_path: Path) -> None:
    twilio.faults = replace(twilio.faults, latency_ms=100)
    env = environment(twilio, tmp_path, READSTATE_PART_ROWS="50")
    for _ in range(4):
        kill_after_a_part(export_to(tmp_path), env, tmp_path / "work" / "exports")
        assert not (tmp_path / "root" / "user_conversations").exists()

    twilio.faults = replace(twilio.faults, latency_ms=5)
    done = finish([*export_to(tmp_path), "--json"], env)

    assert done.returncode == ExitCode.DONE, done.stderr
    manifest = json.loads(done.stdout)["manifest"]
    assert manifest["starts"] == 5
    assert manifest["complete"]
    assert_same(published_rows(tmp_path / "root"), world_rows(twilio))
    kept = re.search(r"resuming \S+: (\d+) users done", done.stderr)
    assert kept is not None
    assert int(kept[1]) > 0, "four killed starts must have saved something"


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, ExitCode.INTERRUPTED), (signal.SIGTERM, ExitCode.TERMINATED)]
)
def test_a_signal_saves_the_work_and_prints_the_line_that_resumes(
    number: signal.Signals, code: ExitCode, twilio: RunningSimulator, tmp_path: Path
) -> None:
    twilio.faults = replace(twilio.faults, latency_ms=100)
    env = environment(twilio, tmp_path)
    process = start(export_to(tmp_path), env)
    wait_for_requests(twilio, 100, process)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=LONGEST_SECONDS)
    twilio.faults = replace(twilio.faults, latency_ms=5)

    assert process.returncode == code
    assert "Traceback" not in stderr
    line = re.search(r"To resume: +readstate (.*)", stderr)
    assert line is not None, stderr
    assert "--date 2024-11-23" in line[1]
    done = finish(line[1].split(), env)
    assert done.returncode == ExitCode.DONE, done.stderr
    assert_same(published_rows(tmp_path / "root"), world_rows(twilio))


def test_a_second_export_of_the_same_date_is_locked_out(twilio: RunningSimulator, tmp_path: Path) -> None:
    env = environment(twilio, tmp_path)
    first = start_and_hold(export_to(tmp_path), env, twilio)

    second = finish(export_to(tmp_path), env)

    assert second.returncode == ExitCode.LOCKED
    assert f"process {first.pid}" in second.stderr
    assert first.poll() is None


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mount = shutil.which("mount")
    if (
        mount is None
        or subprocess.run(
            [mount, "-t", "tmpfs", "-o", "size=300k,mode=700", "none", str(folder)], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("a small disk cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=False)


def test_a_full_disk_is_said_and_the_run_goes_on_when_there_is_room(
    twilio: RunningSimulator, tmp_path: Path, small_disk: Path
) -> None:
    env = environment(twilio, tmp_path, READSTATE_WORK_DIR=str(small_disk), READSTATE_PART_ROWS="200")

    full = finish(export_to(tmp_path), env)

    assert full.returncode == ExitCode.LOCAL_DISK, full.stderr
    assert "Traceback" not in full.stderr
    assert str(small_disk) in full.stderr
    assert not (tmp_path / "root" / "user_conversations").exists()
    subprocess.run(["mount", "-o", "remount,size=60m", str(small_disk)], check=True)
    done = finish(export_to(tmp_path), env)
    assert done.returncode == ExitCode.DONE, done.stderr
    assert_same(published_rows(tmp_path / "root"), world_rows(twilio))
