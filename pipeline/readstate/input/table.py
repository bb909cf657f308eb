"""Open a file as records of named columns, whatever it is: CSV, plain text or Parquet, plain or compressed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from readstate.input.csv_reader import ReadOptions, Table, read_csv
from readstate.input.header import Columns
from readstate.input.problems import Problem
from readstate.input.source import Source, content

OnProblem = Callable[[Problem], None]


@contextmanager
def open_table(source: Source, columns: Columns, options: ReadOptions, report: OnProblem) -> Iterator[Table | None]:
    """Open the records of *source*; None where its header cannot be used, which *report* was told why.

    Raise `BadInput` for an unknown encoding or delimiter.
    """
    opened = (_open_parquet if source.is_parquet else _open_text)(source, columns, options)
    with opened as table:
        if isinstance(table, Table):
            yield table
        else:
            for problem in table:
                report(problem)
            yield None


@contextmanager
def _open_text(source: Source, columns: Columns, options: ReadOptions) -> Iterator[Table | list[Problem]]:
    with content(source) as stream:
        yield read_csv(stream, columns, options)


@contextmanager
def _open_parquet(source: Source, columns: Columns, options: ReadOptions) -> Iterator[Table | list[Problem]]:
    from readstate.input.parquet_reader import open_parquet  # noqa: PLC0415 - DuckDB takes long to load

    with open_parquet(source, columns, options) as table:
        yield table
