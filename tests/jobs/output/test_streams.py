import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from readstate.errors import ExitCode
from tests.helpers.repository import ROOT


@pytest.mark.parametrize("words", [["settings"], ["--help"], ["settings", "--json"]])
def test_a_reader_that_leaves_early_is_no_error(words: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)

    process = subprocess.run(
        [sys.executable, "-m", "readstate_jobs", *words],
        cwd=ROOT,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)

    assert process.returncode == ExitCode.DONE
    assert process.stderr == ""


def test_a_command_whose_reader_has_left_keeps_its_code() -> None:
    assert _in_a_shell("(readstate doctor; echo $? >&2) | true").stderr.strip() == str(ExitCode.NOT_PERMITTED.value)


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [("latin-1", b"x credentials"), ("utf-8", "✗ credentials".encode())],
)
def test_what_a_terminal_cannot_show_is_replaced(tmp_path: Path, encoding: str, mark: bytes) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "readstate_jobs", "doctor"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": f"{tmp_path}/é\udcff", "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )

    assert process.returncode == ExitCode.NOT_PERMITTED
    assert mark in process.stdout


def test_json_is_valid_in_every_encoding() -> None:
    process = subprocess.run(
        [sys.executable, "-m", "readstate_jobs", "settings", "--json", "--work-dir", "é✓😀"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": "/", "PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        check=True,
    )

    assert json.loads(process.stdout)["settings"]["work_dir"]["value"] == "é✓😀"


def _in_a_shell(line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", line.replace("readstate", f"{sys.executable} -m readstate_jobs")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


needs_a_full_device = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here is always full")


@needs_a_full_device
@pytest.mark.parametrize("words", ["settings", "--help", "settings --json"])
def test_an_output_on_a_full_disk_is_code_20_and_no_bug(words: str) -> None:
    process = _in_a_shell(f"readstate {words} > /dev/full")

    assert process.returncode == ExitCode.LOCAL_DISK
    assert process.stderr.splitlines() == [
        "error: the output or a temporary file: No space left on device",
        "Make room or correct the permissions, then run the same command again; what was saved can be resumed.",
    ]


@needs_a_full_device
def test_a_failure_that_cannot_be_told_keeps_its_code() -> None:
    assert _in_a_shell("readstate no-such-command 2> /dev/full").returncode == ExitCode.USAGE


@pytest.mark.parametrize("words", ["settings", "--help", "settings --json"])
def test_a_closed_output_is_no_error(words: str) -> None:
    process = _in_a_shell(f"readstate {words} >&-")

    assert process.returncode == ExitCode.DONE
    assert process.stderr == ""
