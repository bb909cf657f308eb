"""A condition that a person writes in SQL, evaluated row by row, out of reach of files and network."""

import json
from typing import cast

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from readstate.errors import BadInput

_CONFIGURATION: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    # Or a name in the expression could mean a variable of this program.
    "python_enable_replacements": "false",
    "threads": "1",
    "memory_limit": "1GB",
}
_ROW = "readstate_row"


class Where:
    """Tells which rows an SQL expression is true for; it sees one row at a time, and nothing else."""

    def __init__(self, expression: str, columns: pa.Schema) -> None:
        """Understand *expression* over *columns*. Raises `BadInput`."""
        self.expression = expression
        self._database = duckdb.connect(":memory:", config=_CONFIGURATION)
        self._hint = f"It may use these columns: {', '.join(columns.names)}."
        self._refuse_statements()
        self._database.execute("SET TimeZone = 'UTC'; SET lock_configuration = true")
        self(columns.empty_table())

    def __call__(self, rows: pa.Table) -> pa.BooleanArray:
        """Say for each of *rows* whether the expression is true; null is not. Raises `BadInput`."""
        numbers = pa.array(range(len(rows)), pa.int64())
        try:
            relation = self._database.from_arrow(rows.append_column(_ROW, numbers))
            true_for = relation.filter(self.expression).project(_ROW).fetchall()
        except duckdb.Error as error:
            raise self._wrong(str(error)) from error
        kept = pa.array([row for (row,) in true_for], pa.int64())
        return cast("pa.BooleanArray", pc.is_in(numbers, value_set=kept))

    def _refuse_statements(self) -> None:
        """Let nothing but one expression over one row pass: no second statement, no query within."""
        (tree,) = self._database.execute(
            "SELECT json_serialize_sql(?::VARCHAR)", [f"SELECT\n{self.expression}\n"]
        ).fetchall()[0]
        parsed = json.loads(tree)
        if parsed["error"]:
            raise self._wrong(parsed["error_message"])
        if len(parsed["statements"]) != 1 or '"class":"SUBQUERY"' in tree:
            raise self._wrong("it must be one condition on one row, with no query in it")

    def _wrong(self, message: str) -> BadInput:
        return BadInput(f"--where {self.expression!r}: {message}", hint=self._hint)
