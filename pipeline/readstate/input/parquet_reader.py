"""Read the rows of a Parquet file as records of text, within a limit of memory."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from readstate.disk.files import scratch_folder
from readstate.input.csv_reader import BrokenRecord, Format, ReadOptions, Record, Table
from readstate.input.header import Columns, header_problems, names_of
from readstate.input.problems import Problem, problem_at
from readstate.input.source import Source
from readstate.text import group_digits

_AT_ONCE = 1000
_LONGEST_CELL = 1000
"""Longer ones are cut: no cell may be so long."""
MOST_MEMORY = "300MB"
"""31 kB of Parquet can unpack to gigabytes; pyarrow has no limit for that."""
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "threads": "1",
    "temp_directory": "",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
_LINK = re.compile(r"""(?:file )?["'][^"']*/input\.parquet["']""")
_BROKEN = (duckdb.Error, RuntimeError, UnicodeError)
"""What DuckDB raises; the last two where a name of a damaged file is no text."""


@contextmanager
def open_parquet(source: Source, columns: Columns, options: ReadOptions) -> Iterator[Table | list[Problem]]:
    """Open the rows of *source*, or tell what is wrong with its columns or with the file."""
    config = _CONFIG | {"memory_limit": MOST_MEMORY}
    with scratch_folder() as folder, duckdb.connect(":memory:", config=config) as connection:
        # By a name of ours: in names of files DuckDB understands * and ? as patterns.
        link = folder / "input.parquet"
        link.symlink_to(source.path.absolute())
        try:
            connection.execute("SET TimeZone = 'UTC'")
            connection.read_parquet(str(link)).create_view("input")
            given = connection.view("input").columns
        except _BROKEN as error:
            yield [_broken(error, 1)]
            return
        names = names_of(given)
        problems = [
            problem_at(1, "E-HEADER", problem.message, problem.hint, column=problem.column)
            for problem in header_problems(names, columns, form="Parquet")
        ]
        yield problems or Table(Format("Parquet", "", names), _records(connection, given, options.most_lines))


def _records(connection: duckdb.DuckDBPyConnection, given: list[str], most: int) -> Iterator[Record | BrokenRecord]:
    cells = ", ".join(f"ifnull(left(cast({_quoted(name)} AS VARCHAR), {_LONGEST_CELL}), '')" for name in given)
    number = 0
    try:
        rows = connection.execute(f"SELECT {cells} FROM input")  # noqa: S608 - names of columns, quoted
        while batch := rows.fetchmany(_AT_ONCE):
            for row in batch:
                number += 1
                if number > most:
                    message = f"the file has more than {group_digits(most)} rows: the rest was not read"
                    yield BrokenRecord(problem_at(number, "E-LIMIT", message, "Divide the file."))
                    return
                if any(row):
                    yield Record(number, number, list(row))
    except _BROKEN as error:
        yield BrokenRecord(_broken(error, number + 1))


def _broken(error: Exception, line: int) -> Problem:
    if isinstance(error, duckdb.OutOfMemoryException):
        message = f"the file needs more than {MOST_MEMORY} of memory to unpack"
        return problem_at(line, "E-LIMIT", message, "Write it in smaller row groups and pages, or as CSV.")
    reason = _LINK.sub("the file", " ".join(str(error).split("\n")[0].split()))
    return problem_at(line, "E-UNREADABLE", f"it cannot be read as Parquet: {reason}", "It is damaged: get it again.")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
