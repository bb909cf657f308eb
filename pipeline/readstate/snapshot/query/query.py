"""Answers one question in SQL; says briefly what is wrong with a question that has no answer."""

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
_PROPOSAL = re.compile(r' Did you mean "([^"]*)"\?')


@dataclass(frozen=True, slots=True)
class QueryResult:
    """Rows that come when they are asked for."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    """Raises `BadInput` where a row shows that the question makes no sense, such as a text that is no number."""


def run_query(catalog: Catalog, question: str) -> QueryResult:
    """Run one SELECT (or DESCRIBE, SUMMARIZE, SHOW). Raises `BadInput`."""
    with _explained():
        statements = catalog.connection.extract_statements(question)
        if not statements:
            raise BadInput("there is no query in it", hint=_HINT)
        if len(statements) > 1:
            raise BadInput(
                f"one query is answered at a time, not {len(statements)}", hint="Ask the others after it, each alone."
            )
        # The database would refuse what reaches outside; this refuses what would only change the database itself.
        if statements[0].type != duckdb.StatementType.SELECT:
            raise BadInput(
                f"{statements[0].type.name} is not a question: snapshots are read-only",
                hint="Begin with SELECT, WITH, FROM, DESCRIBE or SUMMARIZE. PIVOT needs its values: ON … IN (…).",
            )
        reader = _interruptible(catalog, partial(_reader, catalog.connection.sql(question)))
    names = list(_distinct(reader.schema.names))
    schema = pa.schema([field.with_name(name) for field, name in zip(reader.schema, names, strict=True)])
    return QueryResult(schema, (batch.rename_columns(names) for batch in _batches(catalog, reader)))


def _reader(relation: duckdb.DuckDBPyRelation) -> pa.RecordBatchReader:
    # The old name works in DuckDB 1 and warns in DuckDB 2.
    read = getattr(relation, "to_arrow_reader", None) or relation.fetch_arrow_reader
    return read(_BATCH_ROWS)


def _distinct(names: list[str]) -> Iterator[str]:
    """Give *names*, each only once; the second ``count`` becomes ``count_2``."""
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
        with _explained():
            batch = _interruptible(catalog, lambda: next(reader, None))
        if batch is None:
            return
        yield batch


def _interruptible(catalog: Catalog, work: Callable[[], Result]) -> Result:
    """Do *work* on another thread: while it waits for rows, this one would not hear Ctrl-C."""
    with ThreadPoolExecutor(1) as beside:
        done = beside.submit(work)
        try:
            return done.result()
        except KeyboardInterrupt:
            catalog.connection.interrupt()
            raise


@contextmanager
def _explained() -> Iterator[None]:
    """Turn what the database refuses into one sentence and a hint."""
    try:
        yield
    except duckdb.InterruptException:
        raise
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        if isinstance(error, duckdb.PermissionException):
            raise BadInput(
                "the query may read the views only, no other file and no address",
                hint=f"The views are {', '.join(VIEWS)}.",
            ) from error
        first = " ".join(str(error).strip().split("\n\n")[0].split())
        is_about_values = isinstance(error, (duckdb.ConversionException, duckdb.OutOfRangeException))
        raise BadInput(_PROPOSAL.sub(_own_view, first), hint=_VALUES_HINT if is_about_values else _HINT) from error


def _own_view(proposal: re.Match[str]) -> str:
    """A proposal of the database, unless it names one of its own tables instead of a view."""
    return proposal[0] if proposal[1] in VIEWS else ""
