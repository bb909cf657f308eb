"""The rows of a query as CSV, JSON, Parquet and text that strict readers take; what has no such form is refused."""

from collections.abc import Callable, Iterator
from math import isfinite
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from readstate.errors import BadInput
from readstate.snapshot.query.result import QueryResult
from readstate.text import FORMULA_PATTERN, PLAIN_SIGN_PATTERN

Convert = Callable[[Any], Any]

_JSON = msgspec.json.Encoder(decimal_format="number")
_DAYS = (-719_162, 2_932_896)
"""The first and the last day of the years 1 to 9999, counted from 1970."""
_UNITS_A_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}


def write_csv(result: QueryResult, file: Any) -> None:
    """Write CSV with a header; lists, structs and maps are JSON in their cells. Raise `BadInput`."""
    _require_text_forms(result.schema, "CSV")
    columns = [_csv_column(field.type, alone=len(result.schema) == 1) for field in result.schema]
    fields = zip(result.schema, columns, strict=True)
    schema = pa.schema([field.with_type(kind) for field, (kind, _) in fields])
    with csv.CSVWriter(file, schema) as writer:
        for batch in _checked(result):
            cells = [convert(column) for (_, convert), column in zip(columns, batch.columns, strict=True)]
            writer.write_batch(pa.record_batch(cells, schema=schema))


def without_formulas(result: QueryResult) -> QueryResult:
    """Return *result* with an apostrophe before each text that a spreadsheet would compute."""
    texts = [at for at, field in enumerate(result.schema) if _is_text(field.type)]
    schema = result.schema
    for at in texts:
        schema = schema.set(at, schema.field(at).with_type(pa.string()))

    def guarded() -> Iterator[pa.RecordBatch]:
        for batch in result.batches:
            columns = list(batch.columns)
            for at in texts:
                columns[at] = _guarded(columns[at].cast(pa.string()))
            yield pa.record_batch(columns, schema=schema)

    return QueryResult(schema, guarded())


def write_json(result: QueryResult, file: Any) -> None:
    """Write a list of objects, one a line. Raise `BadInput`."""
    before = b"[\n"
    for row in plain_rows(result, "JSON"):
        file.write(before + _JSON.encode(row))
        before = b",\n"
    file.write(b"[]\n" if before == b"[\n" else b"\n]\n")


def write_parquet(result: QueryResult, file: Any) -> None:
    """Write Parquet. Raise `BadInput`."""
    for field in result.schema:
        if _holds(field.type, _has_no_parquet_form):
            raise _no_form(field, "Parquet")
    with parquet.ParquetWriter(file, result.schema, compression="zstd") as writer:
        for batch in _checked(result):
            writer.write_batch(batch)


def plain_rows(result: QueryResult, form: str) -> Iterator[dict[str, Any]]:
    """Yield each row with values that JSON has a form for; *form* names it in errors. Raise `BadInput`.

    NaN and the infinities are texts, as in PostgreSQL's and Spark's JSON: JSON's numbers are finite.
    """
    _require_text_forms(result.schema, form)
    names = result.schema.names
    converters = [_converter(field.type) for field in result.schema]
    for batch in _checked(result):
        columns = [map(convert, column.to_pylist()) for convert, column in zip(converters, batch.columns, strict=True)]
        for values in zip(*columns, strict=True):
            yield dict(zip(names, values, strict=True))


def cell_text(value: Any) -> str:
    """Return a value of `plain_rows` as a person reads it: text as it is, everything else as in JSON."""
    return value if isinstance(value, str) else _JSON.encode(value).decode()


def _csv_column(kind: pa.DataType, *, alone: bool) -> tuple[pa.DataType, Callable[[pa.Array], pa.Array]]:
    """Return the type of a column's cells, and the function that makes them."""
    if pa.types.is_nested(kind):
        return pa.string(), _json_column
    if alone:  # a line of nothing but an empty cell is empty, and readers skip it
        return pa.string(), lambda column: column.cast(pa.string()).fill_null("")
    return kind, lambda column: column


def _json_column(column: pa.Array) -> pa.Array:
    convert = _converter(column.type)
    texts = (None if value is None else _JSON.encode(convert(value)).decode() for value in column.to_pylist())
    return pa.array(texts, pa.string())


def _converter(kind: pa.DataType) -> Convert:
    """Return the function that makes a Python value of *kind* one that JSON has a form for."""
    convert = _converter_of_values(kind)
    return lambda value: None if value is None else convert(value)


def _converter_of_values(kind: pa.DataType) -> Convert:
    types = pa.types
    if types.is_floating(kind):
        return _finite_or_text
    if types.is_temporal(kind):
        return lambda value: str(value.isoformat())
    if types.is_map(kind):
        item = _converter(kind.item_type)
        key = _converter(kind.key_type)
        return lambda pairs: {cell_text(key(name)): item(value) for name, value in pairs}
    if types.is_struct(kind):
        fields = {field.name: _converter(field.type) for field in kind}
        return lambda struct: {name: convert(struct[name]) for name, convert in fields.items()}
    if types.is_nested(kind):
        element = _converter(kind.value_type)
        return lambda values: [element(value) for value in values]
    if types.is_decimal(kind) or types.is_integer(kind) or types.is_boolean(kind):
        return lambda value: value
    return str


def _finite_or_text(number: float) -> float | str:
    if isfinite(number):
        return number
    return "NaN" if number != number else "Infinity" if number > 0 else "-Infinity"  # noqa: PLR0124 - NaN alone


def _require_text_forms(schema: pa.Schema, form: str) -> None:
    for field in schema:
        if _holds(field.type, _has_no_text_form):
            raise _no_form(field, form)


def _holds(kind: pa.DataType, test: Callable[[pa.DataType], bool]) -> bool:
    """Return whether *kind*, or a type inside of it, passes *test*."""
    return test(kind) or any(_holds(kind.field(at).type, test) for at in range(kind.num_fields))


def _has_no_parquet_form(kind: pa.DataType) -> bool:
    types = pa.types
    # An extension type that only DuckDB knows would be written as the bytes that DuckDB keeps.
    is_private = isinstance(kind, pa.BaseExtensionType) and "duckdb" in str(kind).lower()
    return is_private or types.is_interval(kind) or types.is_duration(kind) or types.is_union(kind)


def _has_no_text_form(kind: pa.DataType) -> bool:
    types = pa.types
    is_bytes = types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)
    # Python has microseconds at most.
    is_too_fine = (types.is_timestamp(kind) or types.is_time(kind)) and kind.unit == "ns"
    return bool(_has_no_parquet_form(kind) or is_bytes or is_too_fine)


def _no_form(field: pa.Field, form: str) -> BadInput:
    name = '"' + field.name.replace('"', '""') + '"'
    return BadInput(
        f"column {name} holds {_words_for(field.type)}, which {form} cannot hold",
        hint=f"Cast it in the query: {name}::VARCHAR; or, for bytes, hex({name}) or base64({name}).",
    )


def _words_for(kind: pa.DataType) -> str:
    if pa.types.is_interval(kind) or pa.types.is_duration(kind):
        return "intervals"
    return "bytes (BLOB or BIT)" if pa.types.is_binary(kind) else f"values of the type {kind}"


def _checked(result: QueryResult) -> Iterator[pa.RecordBatch]:
    """Yield the batches. Raise `BadInput` for dates beyond the years 1 to 9999, which other programs do not read."""
    for batch in result.batches:
        for field, column in zip(batch.schema, batch.columns, strict=True):
            if not all(map(_is_within_years, _temporal_leaves(column))):
                name = '"' + field.name.replace('"', '""') + '"'
                raise BadInput(
                    f"column {name} holds infinity, or a date outside of the years 1 to 9999, which other programs"
                    " do not read",
                    hint=f"Write {name}::VARCHAR in the query to have it as text, or leave such rows out.",
                )
        yield batch


def _temporal_leaves(column: pa.Array) -> Iterator[pa.Array]:
    kind = column.type
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        yield column
    elif pa.types.is_map(kind):
        yield from _temporal_leaves(column.keys)
        yield from _temporal_leaves(column.items)
    elif pa.types.is_struct(kind):
        for child in column.flatten():
            yield from _temporal_leaves(child)
    elif pa.types.is_nested(kind) and not pa.types.is_union(kind):
        yield from _temporal_leaves(column.flatten())


def _is_within_years(column: pa.Array) -> bool:
    if pa.types.is_date32(column.type):
        numbers, units = column.cast(pa.int32()), 1
    else:
        numbers, units = column.cast(pa.int64()), _UNITS_A_DAY[column.type.unit]
    bounds = pc.min_max(numbers).as_py()
    if bounds["min"] is None:
        return True
    return bool(bounds["min"] >= _DAYS[0] * units and bounds["max"] < (_DAYS[1] + 1) * units)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind))


def _guarded(column: pa.Array) -> pa.Array:
    is_formula = pc.and_not(
        pc.match_substring_regex(column, FORMULA_PATTERN), pc.match_substring_regex(column, PLAIN_SIGN_PATTERN)
    )
    return pc.if_else(is_formula, pc.binary_join_element_wise("'", column, ""), column)
