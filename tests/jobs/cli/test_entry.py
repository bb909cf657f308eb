import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from readstate.errors import ExitCode
from tests.helpers.repository import ROOT

_CTRL_C = "import signal\nsignal.raise_signal(signal.SIGINT)\n"
_MAKES_ARRAYS = (
    "import pyarrow, sys; pyarrow.array(['a'])\nprint(sorted({'numpy', 'pandas'}.intersection(sys.modules)))"
)


def _prints(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_ctrl_c_amid_the_imports_of_a_command_is_answered(tmp_path: Path) -> None:
    (tmp_path / "msgspec.py").write_text(_CTRL_C)

    finished = subprocess.run(
        [sys.executable, "-m", "readstate_jobs", "settings"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(tmp_path)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        capture_output=True,
        text=True,
        check=False,
    )

    assert finished.returncode == ExitCode.INTERRUPTED
    assert finished.stderr.strip().splitlines() == [
        "error: stopped",
        "Nothing that was saved is lost. To resume:  readstate settings",
    ]


def test_arrays_import_pandas_and_numpy_in_programs_that_import_the_library() -> None:
    assert _prints("import readstate\n" + _MAKES_ARRAYS).strip() == "['numpy', 'pandas']"


def test_the_command_line_imports_neither() -> None:
    program = (
        "from readstate_jobs.cli import entry\n"
        "entry.main = lambda: 0\n"
        "try:\n"
        "    entry.entry()\n"
        "except SystemExit:\n"
        "    pass\n" + _MAKES_ARRAYS
    )

    assert _prints(program).strip() == "[]"


@pytest.mark.parametrize(("imported", "is_frozen"), [("json", True), ("duckdb", False)])
def test_objects_are_frozen_before_the_process_ends_unless_duckdb_would_complain(
    imported: str, is_frozen: bool
) -> None:
    program = (
        f"import atexit, gc, {imported}\nfrom readstate_jobs.cli import entry\nentry.main = lambda: 0\n"
        "atexit.register(lambda: print(gc.get_freeze_count() > 0))\nentry.entry()"
    )

    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert (ended.stdout.strip(), ended.stderr) == (str(is_frozen), "")
