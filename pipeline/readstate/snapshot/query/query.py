"""Runs one SQL query over a catalog; translates DuckDB's errors into one sentence and a hint."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from readstate.errors import BadInput, LocalDisk
from readstate.snapshot.query.catalog import MEMORY_LIMIT, TEMPORARY_LIMIT, Catalog
from readstate.snapshot.query.result import QueryResult, out_of_memory
from readstate.snapshot.query.views import VIEWS

# As many as DuckDB computes at once: a batch of long texts is held whole, beside all limits.
_BATCH_ROWS = 2048
_HINT = f"The views are {', '.join(VIEWS)}. Without a query, readstate sql ROOT shows their columns."
_VALUES_HINT = "try_cast(… AS …) gives null where a value does not fit."
_SUGGESTION = re.compile(r' Did you mean "([^"]*)"\?')


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
        relation = catalog.connection.sql(query)
        if any("UHUGEINT" in str(kind) for kind in relation.types):
            raise BadInput("a UHUGEINT cannot be written exactly", hint="Cast it in the query: …::VARCHAR.")
        reader = _reader(relation)
    names = list(_distinct(reader.schema.names))
    schema = pa.schema([field.with_name(name) for field, name in zip(reader.schema, names, strict=True)])
    return QueryResult(schema, (batch.rename_columns(names) for batch in _batches(reader)))


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


def _batches(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    while True:
        with _translate_errors():
            batch = next(reader, None)
        if batch is None:
            return
        yield batch


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
        if isinstance(error, duckdb.OutOfMemoryException | pa.ArrowMemoryError):
            raise out_of_memory(f"{MEMORY_LIMIT} of memory and {TEMPORARY_LIMIT} of temporary files") from error
        if isinstance(error, duckdb.IOException):
            raise LocalDisk(_first_sentence(error), hint="Set TMPDIR to a place with more room.") from error
        first = _first_sentence(error)
        is_about_values = isinstance(error, (duckdb.ConversionException, duckdb.OutOfRangeException))
        raise BadInput(_SUGGESTION.sub(_known_view, first), hint=_VALUES_HINT if is_about_values else _HINT) from error


def _first_sentence(error: Exception) -> str:
    # After the first empty line DuckDB repeats the query with a marker below it.
    return " ".join(str(error).strip().split("\n\n")[0].split())


def _known_view(suggestion: re.Match[str]) -> str:
    """Return a suggestion of DuckDB's, unless it names a table of its own instead of a view."""
    return suggestion[0] if suggestion[1] in VIEWS else ""
