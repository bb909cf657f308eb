"""``readstate sql``: ask snapshots in SQL."""

import json
import sys
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from readstate.errors import BadInput, ExitCode, Usage
from readstate_jobs.cli.options import json_option, parse_day

if TYPE_CHECKING:
    from readstate.snapshot.query.query import QueryResult

_MOST_ROWS_SHOWN = 1000


@click.command()
@click.argument("root")
@click.argument("query", required=False)
@click.option("--date", "day", type=parse_day, metavar="YYYY-MM-DD", help="The snapshot to ask. [default: the newest]")
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the rows to FILE: .csv, .json or .parquet.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Write the rows to stdout as CSV.")
@json_option
def command(*, root: str, query: str | None, day: date | None, out: Path | None, as_csv: bool, as_json: bool) -> int:
    """Answer QUERY, in DuckDB's SQL, from the snapshots below ROOT; - reads it from stdin.

    Without a query, the views and their columns are shown. A query reads the views and nothing else.
    """
    from readstate.snapshot.query.catalog import open_catalog
    from readstate.snapshot.query.query import run_query

    if as_csv + as_json + (out is not None) > 1:
        raise Usage("--csv, --json and --out each say where the rows go; give one of them")
    if query is None:
        _show_views()
        return ExitCode.DONE
    question = sys.stdin.read() if query == "-" else query
    write = _writer(out, as_csv=as_csv, as_json=as_json)
    with open_catalog(root, day, for_query=question) as snapshots:
        write(run_query(snapshots, question))
    return ExitCode.DONE


def _writer(out: Path | None, *, as_csv: bool, as_json: bool) -> "Callable[[QueryResult], None]":
    if as_csv:
        return lambda answer: _write_csv(answer, sys.stdout.buffer)
    if as_json:
        return lambda answer: _write_json(answer, sys.stdout.buffer)
    if out is None:
        return _show
    kinds = {".csv": _write_csv, ".json": _write_json, ".parquet": _write_parquet}
    if out.suffix not in kinds:
        raise BadInput(f"--out {out}: what kind of file?", hint=f"Its name may end in {', '.join(kinds)}.")
    return lambda answer: _write_file(answer, out, kinds[out.suffix])


def _write_file(answer: "QueryResult", out: Path, write: "Callable[[QueryResult, Any], None]") -> None:
    from readstate.files import atomic_write

    with atomic_write(out) as file:
        write(answer, file)
    click.echo(f"Written to {out}", err=True)


def _write_csv(answer: "QueryResult", file: Any) -> None:
    from pyarrow import csv

    with csv.CSVWriter(file, answer.schema) as writer:
        for batch in answer.batches:
            writer.write_batch(batch)


def _write_json(answer: "QueryResult", file: Any) -> None:
    """Write a list of objects, one a line."""
    before = "[\n"
    for row in _rows(answer):
        file.write(f"{before}{json.dumps(row, default=_plain, ensure_ascii=False)}".encode())
        before = ",\n"
    file.write(b"[]\n" if before == "[\n" else b"\n]\n")


def _write_parquet(answer: "QueryResult", file: Any) -> None:
    from pyarrow import parquet

    with parquet.ParquetWriter(file, answer.schema, compression="zstd") as writer:
        for batch in answer.batches:
            writer.write_batch(batch)


def _show(answer: "QueryResult") -> None:
    from readstate_jobs.cli.terminal import print_table

    rows = _rows(answer)
    shown = [[_cell(value) for value in row.values()] for row in islice(rows, _MOST_ROWS_SHOWN)]
    print_table(shown, header=answer.schema.names)
    if next(rows, None) is not None:
        click.echo(
            f"Only the first {_MOST_ROWS_SHOWN} rows are shown; --csv, --json and --out give them all.", err=True
        )


def _show_views() -> None:
    from readstate.snapshot.query.catalog import VIEWS
    from readstate_jobs.cli.terminal import print_table

    print_table([[name, ", ".join(schema.names)] for name, schema in VIEWS.items()], header=["view", "columns"])


def _rows(answer: "QueryResult") -> Iterator[dict[str, Any]]:
    for batch in answer.batches:
        yield from batch.to_pylist()


def _cell(value: Any) -> str:
    return "null" if value is None else str(_plain(value))


def _plain(value: Any) -> Any:
    """A value as JSON and people write it: sums are decimals to DuckDB, and whole numbers to people."""
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case date():
            return value.isoformat()
        case _:
            return str(value)
