"""``readstate sql``: query snapshots in SQL."""

import sys
from collections.abc import Callable
from datetime import date
from itertools import chain, islice
from pathlib import Path
from typing import Any

from readstate.disk.files import open_output
from readstate.errors import BadInput, ExitCode, Usage
from readstate.snapshot.query.formats import (
    cell_text,
    plain_rows,
    without_formulas,
    write_csv,
    write_json,
    write_parquet,
)
from readstate.snapshot.query.result import QueryResult
from readstate.snapshot.query.views import VIEWS
from readstate_jobs.output.messages import command_line
from readstate_jobs.output.terminal import ShownBytes, print_line, print_lines, print_table
from readstate_jobs.snapshots.sql_process import run_in_process

_MAX_ROWS_SHOWN = 1000


def carry_out(
    *,
    root: str,
    query: str | None,
    day: date | None,
    out: Path | None,
    as_csv: bool,
    as_json: bool,
    raw: bool,
    timeout: float,
) -> int:
    """Carry out ``readstate sql`` and return its exit code."""
    if as_csv + as_json + (out is not None) > 1:
        raise Usage("--csv, --json and --out exclude each other; use one of them")
    if query is None:
        _show_views()
        return ExitCode.DONE
    question = _require_text(sys.stdin.read() if query == "-" else query)
    write = _writer(out, as_csv=as_csv, as_json=as_json, csv_writer=write_csv if raw else _write_safe_csv)
    with run_in_process(root, day, question, timeout_seconds=timeout) as result:
        write(result)
    return ExitCode.DONE


def _require_text(query: str) -> str:
    """Return *query* as UTF-8, whatever the locale has made of its bytes. Raise `BadInput`."""
    try:
        return query.encode("utf-8", "surrogateescape").decode("utf-8")
    except UnicodeError as error:
        raise BadInput(
            "the query is not UTF-8", hint="Save it as UTF-8, or convert it:  iconv -f LATIN1 -t UTF-8"
        ) from error


def _writer(
    out: Path | None, *, as_csv: bool, as_json: bool, csv_writer: Callable[[QueryResult, Any], None]
) -> Callable[[QueryResult], None]:
    if as_csv:
        return lambda result: csv_writer(result, _stdout())
    if as_json:
        return lambda result: write_json(result, _stdout())
    if out is None:
        return _show
    kinds = {".csv": csv_writer, ".json": write_json, ".parquet": write_parquet}
    if out.suffix not in kinds:
        raise BadInput(f"--out {out}: unknown kind of file", hint=f"The name may end in {', '.join(kinds)}.")
    return lambda result: _write_file(result, out, kinds[out.suffix])


def _stdout() -> Any:
    return ShownBytes() if sys.stdout.isatty() else sys.stdout.buffer


def _write_file(result: QueryResult, out: Path, write: Callable[[QueryResult, Any], None]) -> None:
    with open_output(out) as file:
        write(result, file)
    command_line().print_message(f"Written to {out}")


def _write_safe_csv(result: QueryResult, file: Any) -> None:
    write_csv(without_formulas(result), file)


def _show(result: QueryResult) -> None:
    found = ([cell_text(value) for value in row.values()] for row in plain_rows(result, "a table"))
    first = list(islice(found, 1))
    rows = chain(first, found)
    if not first:
        command_line().print_message("no rows")
    if not sys.stdout.isatty():
        print_lines(rows, header=result.schema.names)
        return
    print_table(list(islice(rows, _MAX_ROWS_SHOWN)), header=result.schema.names)
    if next(rows, None) is not None:
        print_line(
            f"Only the first {_MAX_ROWS_SHOWN} rows are shown; use --csv, --json or --out for all of them.", err=True
        )


def _show_views() -> None:
    print_table([[name, ", ".join(schema.names)] for name, schema in VIEWS.items()], header=["view", "columns"])
