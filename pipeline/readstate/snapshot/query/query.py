"""Runs one SQL query over a catalog; translates DuckDB's errors into one sentence and a hint."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import duckdb
import pyarrow as pa

from readstate.errors import BadInput
from readstate.snapshot.query.catalog import VIEWS, Catalog

Result = TypeVar("Result")

_BATCH_ROWS = 8192
_HINT = f"The views are {', '.join(VIEWS)}. Without a query, readstate sql ROOT shows their columns."
_VALUES_HINT = "try_cast(… AS …) gives null where a value does not fit."
_SUGGESTION = re.compile(r' Did you mean "([^"]*)"\?')


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The rows of a query, read as they are consumed."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    """Iterating raises `BadInput` where a row cannot be computed, such as a cast of a text that is no number."""


def run_query(catalog: Catalog, query: str) -> QueryResult:
    """Run one SELECT (or DESCRIBE, SUMMARIZE, SHOW). Raise `BadInput`."""
    with _translate_errors():
        statements = catalog.connection.extract_statements(query)
        if not statements:
            raise BadInput("there is no query", hint=_HINT)
        if len(statements) > 1:
            raise BadInput(
                f"{len(statements)} queries were given; one is run at a time", hint="Run each of them by itself."
            )
        # The sandbox refuses what reaches outside; this refuses statements that change the in-memory database itself.
        if statements[0].type != duckdb.StatementType.SELECT:
            raise BadInput(
                f"{statements[0].type.name} is not allowed: snapshots are read-only",
                hint="Begin with SELECT, WITH, FROM, DESCRIBE or SUMMARIZE. PIVOT needs its values: ON … IN (…).",
            )
        reader = _interruptible(catalog, partial(_reader, catalog.connection.sql(query)))
    names = list(_distinct(reader.schema.names))
    schema = pa.schema([field.with_name(name) for field, name in zip(reader.schema, names, strict=True)])
    return QueryResult(schema, (batch.rename_columns(names) for batch in _batches(catalog, reader)))


def _reader(relation: duckdb.DuckDBPyRelation) -> pa.RecordBatchReader:
    # The old name works in DuckDB 1 and warns in DuckDB 2.
    read = getattr(relation, "to_arrow_reader", None) or relation.fetch_arrow_reader
    return read(_BATCH_ROWS)


def _distinct(names: list[str]) -> Iterator[str]:
    """Yield *names* without duplicates: the second ``count`` becomes ``count_2``."""
    seen: set[str] = set()
    for name in names:
        number, free = 1, name
        while free in seen:
            number += 1
            free = f"{name}_{number}"
        seen.add(free)
        yield free


def _batches(catalog: Catalog, reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    while True:
        with _translate_errors():
            batch = _interruptible(catalog, lambda: next(reader, None))
        if batch is None:
            return
        yield batch


def _interruptible(catalog: Catalog, work: Callable[[], Result]) -> Result:
    """Run *work* on another thread: a thread that waits inside DuckDB does not receive Ctrl-C."""
    with ThreadPoolExecutor(1) as executor:
        done = executor.submit(work)
        try:
            return done.result()
        except KeyboardInterrupt:
            catalog.connection.interrupt()
            raise


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Raise DuckDB's errors as `BadInput` with one sentence and a hint."""
    try:
        yield
    except duckdb.InterruptException:
        raise  # `open_catalog` makes a KeyboardInterrupt of it
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        if isinstance(error, duckdb.PermissionException):
            raise BadInput(
                "the query may read the views only, no other file and no address",
                hint=f"The views are {', '.join(VIEWS)}.",
            ) from error
        # After the first empty line DuckDB repeats the query with a marker below it.
        first = " ".join(str(error).strip().split("\n\n")[0].split())
        is_about_values = isinstance(error, (duckdb.ConversionException, duckdb.OutOfRangeException))
        raise BadInput(_SUGGESTION.sub(_known_view, first), hint=_VALUES_HINT if is_about_values else _HINT) from error


def _known_view(suggestion: re.Match[str]) -> str:
    """Return a suggestion of DuckDB's, unless it names a table of its own instead of a view."""
    return suggestion[0] if suggestion[1] in VIEWS else ""
