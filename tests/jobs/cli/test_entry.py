"""Ctrl-C at any moment of a command: answered, or the end of the process, and never a traceback."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from readstate.errors import ExitCode
from tests.helpers.repository import ROOT

CTRL_C = "import signal\nsignal.raise_signal(signal.SIGINT)\n"


def _run(*arguments: str, home: Path, on_ctrl_c: signal.Handlers = signal.SIG_DFL) -> subprocess.CompletedProcess[str]:
    """Run Python as somebody who has not decided, or has, what Ctrl-C does; modules in *home* are found first."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(home)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, on_ctrl_c),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("library", ["click", "shlex"])
def test_ctrl_c_amid_the_first_imports_ends_the_process_without_a_word(library: str, tmp_path: Path) -> None:
    (tmp_path / f"{library}.py").write_text(CTRL_C)

    given = _run("-m", "readstate_jobs", "settings", home=tmp_path)

    assert (given.returncode, given.stdout, given.stderr) == (-signal.SIGINT, "", "")


def test_ctrl_c_amid_the_imports_of_a_command_is_answered(tmp_path: Path) -> None:
    (tmp_path / "msgspec.py").write_text(CTRL_C)

    given = _run("-m", "readstate_jobs", "settings", home=tmp_path)

    assert given.returncode == ExitCode.INTERRUPTED
    assert given.stderr.strip().splitlines() == [
        "error: stopped",
        "Nothing that was saved is lost. To go on:  readstate settings",
    ]


def test_a_process_that_is_to_ignore_ctrl_c_goes_on_ignoring_it(tmp_path: Path) -> None:
    (tmp_path / "shlex.py").write_text(CTRL_C)

    given = _run("-m", "readstate_jobs", "--version", home=tmp_path, on_ctrl_c=signal.SIG_IGN)

    assert (given.returncode, given.stderr) == (ExitCode.DONE, "")


def test_ctrl_c_while_the_first_one_is_answered_ends_the_process(tmp_path: Path) -> None:
    given = _run(
        "-c",
        "import signal, readstate_jobs.cli.main, readstate_jobs.cli.entry\n"
        "readstate_jobs.cli.main.main = lambda: signal.raise_signal(signal.SIGINT)\n"
        "readstate_jobs.cli.entry.entry()",
        home=tmp_path,
    )

    assert (given.returncode, given.stderr) == (-signal.SIGINT, "")


def test_ctrl_c_after_the_command_ends_the_process(tmp_path: Path) -> None:
    given = _run(
        "-c",
        "import atexit, signal, readstate_jobs.cli.main, readstate_jobs.cli.entry\n"
        "atexit.register(signal.raise_signal, signal.SIGINT)\n"
        "readstate_jobs.cli.main.main = lambda: 0\n"
        "readstate_jobs.cli.entry.entry()",
        home=tmp_path,
    )

    assert (given.returncode, given.stderr) == (-signal.SIGINT, "")
