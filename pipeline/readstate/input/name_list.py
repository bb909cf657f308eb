"""Read a file that names something on each line, and raise all that is wrong with it at once."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from msgspec.structs import replace

from readstate.disk.files import scratch_folder
from readstate.errors import BadInput
from readstate.input.cell_reader import CellReader
from readstate.input.csv_reader import BrokenRecord, ReadOptions
from readstate.input.header import Columns
from readstate.input.problems import ProblemTally
from readstate.input.source import open_source
from readstate.input.table import open_table
from readstate.text import pluralize

MOST_NAMES = 2_000_000
"""Lines of a list; unlike the lines of a changes file they are held in memory."""
_SHOWN = 50
_CSV = (".csv", ".tsv")

TakeLine = Callable[[CellReader, dict[str, str]], None]


def read_list(
    name: str, columns: Columns, take: TakeLine, *, warn: Callable[[str], None], stdin: BinaryIO | None = None
) -> None:
    """Pass each line of *name* (a path, or ``-`` for standard input) to *take*, as a text for each known column.

    Raise `BadInput` that lists everything wrong; what is only doubtful goes to *warn*, a sentence for each.
    """
    tally = ProblemTally(shown=_SHOWN)
    if any(suffix in _CSV for suffix in Path(name).suffixes):
        columns = replace(columns, alone=None)
    cells = CellReader(tally.add)
    with scratch_folder() as folder:
        source = open_source(name, stdin=stdin, spool=folder)
        with open_table(source, columns, ReadOptions(most_lines=MOST_NAMES), tally.add) as table:
            for record in () if table is None else table.records:
                if isinstance(record, BrokenRecord):
                    tally.add(record.problem)
                else:
                    assert table is not None
                    texts = dict(zip(table.format.header, record.cells, strict=True))
                    take(cells.begin(record), dict.fromkeys(columns.known, "") | texts)
    shown = [f"{problem}. {problem.hint}" for problem in tally.first if problem.is_error or not tally.errors]
    if tally.errors:
        raise BadInput(_listed(name, tally.errors, shown))
    for problem in shown:
        warn(f"{name}: {problem}")


def _listed(name: str, errors: int, shown: list[str]) -> str:
    more = [f"… and {errors - len(shown)} more"] if errors > len(shown) else []
    return f"{name}: {pluralize(errors, 'problem')}, nothing was read:\n  " + "\n  ".join([*shown, *more])
