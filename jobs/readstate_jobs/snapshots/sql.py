"""``readstate sql``: query snapshots in SQL."""

import json
import sys
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import click
from pyarrow import csv, parquet

from readstate.errors import BadInput, ExitCode, Usage
from readstate.files import open_output
from readstate.snapshot.query.catalog import VIEWS, open_catalog
from readstate.snapshot.query.query import QueryResult, run_query
from readstate_jobs.cli.options import json_option, parse_day
from readstate_jobs.cli.terminal import print_table

_MAX_ROWS_SHOWN = 1000


@click.command()
@click.argument("root")
@click.argument("query", required=False)
@click.option("--date", "day", type=parse_day, metavar="YYYY-MM-DD", help="Query this snapshot. [default: the newest]")
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the rows to FILE: .csv, .json or .parquet.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Write the rows to stdout as CSV.")
@json_option
def command(*, root: str, query: str | None, day: date | None, out: Path | None, as_csv: bool, as_json: bool) -> int:
    """Run QUERY, in DuckDB's SQL, over the snapshots below ROOT; - reads it from stdin.

    Without a query, the views and their columns are shown. A query can read the views only.
    """
    if as_csv + as_json + (out is not None) > 1:
        raise Usage("--csv, --json and --out exclude each other; use one of them")
    if query is None:
        _show_views()
        return ExitCode.DONE
    question = sys.stdin.read() if query == "-" else query
    write = _writer(out, as_csv=as_csv, as_json=as_json)
    with open_catalog(root, day, for_query=question) as snapshots:
        write(run_query(snapshots, question))
    return ExitCode.DONE


def _writer(out: Path | None, *, as_csv: bool, as_json: bool) -> Callable[[QueryResult], None]:
    if as_csv:
        return lambda answer: _write_csv(answer, sys.stdout.buffer)
    if as_json:
        return lambda answer: _write_json(answer, sys.stdout.buffer)
    if out is None:
        return _show
    kinds = {".csv": _write_csv, ".json": _write_json, ".parquet": _write_parquet}
    if out.suffix not in kinds:
        raise BadInput(f"--out {out}: unknown kind of file", hint=f"The name may end in {', '.join(kinds)}.")
    return lambda answer: _write_file(answer, out, kinds[out.suffix])


def _write_file(answer: QueryResult, out: Path, write: Callable[[QueryResult, Any], None]) -> None:
    with open_output(out) as file:
        write(answer, file)
    click.echo(f"Written to {out}", err=True)


def _write_csv(answer: QueryResult, file: Any) -> None:
    with csv.CSVWriter(file, answer.schema) as writer:
        for batch in answer.batches:
            writer.write_batch(batch)


def _write_json(answer: QueryResult, file: Any) -> None:
    """Write a list of objects, one per line."""
    before = "[\n"
    for row in _rows(answer):
        file.write(f"{before}{json.dumps(row, default=_plain, ensure_ascii=False)}".encode())
        before = ",\n"
    file.write(b"[]\n" if before == "[\n" else b"\n]\n")


def _write_parquet(answer: QueryResult, file: Any) -> None:
    with parquet.ParquetWriter(file, answer.schema, compression="zstd") as writer:
        for batch in answer.batches:
            writer.write_batch(batch)


def _show(answer: QueryResult) -> None:
    rows = _rows(answer)
    shown = [[_cell(value) for value in row.values()] for row in islice(rows, _MAX_ROWS_SHOWN)]
    print_table(shown, header=answer.schema.names)
    if next(rows, None) is not None:
        click.echo(
            f"Only the first {_MAX_ROWS_SHOWN} rows are shown; use --csv, --json or --out for all of them.", err=True
        )


def _show_views() -> None:
    print_table([[name, ", ".join(schema.names)] for name, schema in VIEWS.items()], header=["view", "columns"])


def _rows(answer: QueryResult) -> Iterator[dict[str, Any]]:
    for batch in answer.batches:
        yield from batch.to_pylist()


def _cell(value: Any) -> str:
    return "null" if value is None else str(_plain(value))


def _plain(value: Any) -> Any:
    """Return *value* as JSON and people write it: DuckDB's sums are decimals, though they are whole numbers."""
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case date():
            return value.isoformat()
        case _:
            return str(value)
