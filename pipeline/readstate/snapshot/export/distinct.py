"""How many conversations a snapshot has: its rows are memberships, and a conversation has as many as members."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from readstate.snapshot.published.parquet import FinishedFile

_FEW_ROWS = 100_000
_ROWS_A_MEGABYTE = 400_000
_LEAST_MEGABYTES = 32
"""The rest goes to temporary files: 10 million rows take 2.0 s with 32 MB, and 1.8 s with twice as much."""


def count_conversations(files: Sequence[FinishedFile], folder: Path) -> int | None:
    """Return the number of different conversations in Parquet *files*; temporary files go to *folder*.

    None where that takes more memory and disk than it is worth.
    """
    rows = sum(file.rows for file in files)
    if rows <= _FEW_ROWS:
        return _count_few(files)
    import duckdb  # noqa: PLC0415 - 50 MB and 0.1 s, which small exports can do without

    memory = f"{max(_LEAST_MEGABYTES, rows // _ROWS_A_MEGABYTE)}MB"
    with duckdb.connect(
        ":memory:", config={"memory_limit": memory, "threads": 1, "temp_directory": str(folder)}
    ) as connection:
        # Of hashes, which take half the time and memory. Two of them are alike in one of 300 000 snapshots.
        query = "SELECT count(DISTINCT hash(conversation_sid)) FROM read_parquet(?)"
        try:
            return int(connection.execute(query, [[str(file.path) for file in files]]).fetchall()[0][0])
        except duckdb.Error:
            return None


def _count_few(files: Sequence[FinishedFile]) -> int | None:
    try:
        columns = [pq.ParquetFile(file.path).read(["conversation_sid"])[0] for file in files]
    except (OSError, pa.ArrowInvalid):
        return None
    return len({sid for column in columns for sid in column.to_pylist()})
