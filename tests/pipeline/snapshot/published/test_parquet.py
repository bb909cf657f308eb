import errno
import gc
import hashlib
import io
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from readstate.errors import LocalDisk
from readstate.snapshot.published.parquet import HashingSink, null_columns, write_rows
from readstate.snapshot.published.schema import FAILURES, PII_COLUMNS, ROWS, USER_CONVERSATIONS, USERS
from tests.helpers.rows import table_of

rows_of = partial(table_of, schema=ROWS)
KEYS = [("IS1", f"US{number:03}", "CH1") for number in range(100)]


def test_size_and_hash_are_those_of_the_file(tmp_path: Path) -> None:
    file = write_rows([ROWS.empty_table(), rows_of(KEYS), rows_of(KEYS)], USER_CONVERSATIONS, tmp_path / "a.parquet")

    content = file.path.read_bytes()
    assert (file.rows, file.bytes, file.sha256) == (200, len(content), hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize(
    "schema", [USER_CONVERSATIONS, USERS, FAILURES], ids=["user_conversations", "users", "failures"]
)
def test_file_without_rows_keeps_its_schema(tmp_path: Path, schema: pa.Schema) -> None:
    file = write_rows([], schema, tmp_path / "a.parquet")

    assert pq.read_table(file.path).schema.equals(schema, check_metadata=True)
    assert file.rows == 0


def test_readers_can_skip_row_groups_and_pages(tmp_path: Path) -> None:
    file = write_rows([rows_of(KEYS[:50]), rows_of(KEYS[50:])], USER_CONVERSATIONS, tmp_path / "a.parquet")

    metadata = pq.ParquetFile(file.path).metadata
    column = metadata.row_group(1).column(USER_CONVERSATIONS.get_field_index("user_sid"))
    assert (column.statistics.min, column.statistics.max) == ("US050", "US099")
    assert column.has_column_index
    assert [key.column_index for key in metadata.row_group(0).sorting_columns] == [1, 6, 2]
    assert (column.compression, "RLE_DICTIONARY" in column.encodings) == ("ZSTD", True)


def test_duckdb_reads_it_as_it_is(tmp_path: Path) -> None:
    file = write_rows([rows_of(KEYS)], USER_CONVERSATIONS, tmp_path / "a.parquet")

    query = "SELECT conversation_state, count(*) FROM read_parquet(?) GROUP BY 1 ORDER BY 1"
    assert duckdb.execute(query, [str(file.path)]).fetchall() == [("active", 34), ("closed", 33), ("inactive", 33)]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("room", [0, 1_000, 10_000, 11_500], ids="room for {} bytes".format)
def test_a_full_disk_leaves_no_error_for_the_garbage_collector(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    write = HashingSink.write

    def write_while_there_is_room(self: HashingSink, data: bytes) -> int:
        if self.bytes + len(data) > room and not isinstance(self._file, io.BytesIO):
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, data)

    monkeypatch.setattr(HashingSink, "write", write_while_there_is_room)
    with pytest.raises(LocalDisk, match="No space"):
        write_rows([rows_of(KEYS), rows_of(KEYS)], USER_CONVERSATIONS, tmp_path / "a.parquet")
    gc.collect()

    assert list(tmp_path.iterdir()) == []


def test_failure_in_the_middle_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(LocalDisk):
        write_rows([rows_of(KEYS)], USER_CONVERSATIONS, tmp_path / "no" / "a.parquet")
    with pytest.raises(KeyError):
        write_rows((rows_of(KEYS) if rows else {}["x"] for rows in (1, 0)), USER_CONVERSATIONS, tmp_path / "a.parquet")

    assert list(tmp_path.iterdir()) == []


def test_blanked_columns_stay_and_hold_nothing() -> None:
    table = rows_of(KEYS)

    blanked = null_columns(table, tuple(PII_COLUMNS))

    assert blanked.schema.equals(table.schema, check_metadata=True)
    assert all(blanked[name].null_count == len(table) for name in PII_COLUMNS)
    assert blanked.drop_columns(list(PII_COLUMNS)).equals(table.drop_columns(list(PII_COLUMNS)))
    assert null_columns(table, ["no_such_column"]).equals(table)
