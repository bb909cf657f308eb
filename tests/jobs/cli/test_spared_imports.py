"""Commands run as if there were neither pandas nor numpy; programs that import the library have them."""

import subprocess
import sys

from tests.helpers.repository import ROOT

_MAKES_ARRAYS = (
    "import pyarrow, sys; pyarrow.array(['a'])\nprint(sorted({'numpy', 'pandas'}.intersection(sys.modules)))"
)


def _prints(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_arrays_bring_pandas_and_numpy_for_those_who_import_the_library() -> None:
    assert _prints(_MAKES_ARRAYS).strip() == "['numpy', 'pandas']"


def test_a_command_that_asked_for_it_is_spared_them() -> None:
    sparing = "from readstate_jobs.cli.spared_imports import spare_imports; spare_imports()\n"

    assert _prints(sparing + _MAKES_ARRAYS).strip() == "[]"


def test_the_command_line_spares_itself_both() -> None:
    program = (
        "import sys\n"
        "from readstate_jobs.cli import entry, main\n"
        "main.main = lambda: 0\n"
        "try:\n"
        "    entry.entry()\n"
        "except SystemExit:\n"
        "    pass\n" + _MAKES_ARRAYS
    )

    assert _prints(program).strip() == "[]"
