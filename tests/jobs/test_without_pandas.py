"""Commands run as if there were no pandas; programs that import the library have it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


_MAKES_ARRAYS = "import pyarrow, sys; pyarrow.array(['a']); print('pandas' in sys.modules)"


def _prints(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("before", "is_there"), [("", True), ("from jobs.without_pandas import without_pandas; without_pandas()\n", False)]
)
def test_arrays_bring_pandas_unless_a_command_spares_it(before: str, is_there: bool) -> None:
    assert _prints(before + _MAKES_ARRAYS).strip() == str(is_there)


def test_the_command_line_spares_pandas() -> None:
    program = (
        "import sys\n"
        "from jobs import cli, entry\n"
        "cli.main = lambda: 0\n"
        "try:\n"
        "    entry.entry()\n"
        "except SystemExit:\n"
        "    pass\n" + _MAKES_ARRAYS
    )

    assert _prints(program).strip() == "False"
