from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from readstate.snapshot.export.distinct import count_conversations
from readstate.snapshot.published.parquet import FinishedFile

FEW, MANY = 10, 10_000_000
by_rows = pytest.mark.parametrize("rows", [FEW, MANY])
"""As the files say: few are counted by Python, many by DuckDB."""


def _file(path: Path, rows: int) -> FinishedFile:
    return FinishedFile(path, rows, bytes=1, sha256="")


@by_rows
@pytest.mark.parametrize(("files", "count"), [([["CH1", "CH1", "CH2"]], 2), ([["CH1", "CH2"], ["CH2"]], 2)])
def test_each_conversation_is_counted_once_in_whatever_file(
    files: list[list[str]], count: int, rows: int, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{number}.parquet" for number in range(len(files))]
    for path, sids in zip(paths, files, strict=True):
        pq.write_table(pa.table({"conversation_sid": sids}), path)

    assert count_conversations([_file(path, rows) for path in paths], tmp_path) == count


def test_no_file_has_no_conversation(tmp_path: Path) -> None:
    assert count_conversations([], tmp_path) == 0


@by_rows
@pytest.mark.parametrize("content", [None, b"PAR1 and no more"])
def test_where_it_cannot_be_counted_it_is_unknown(rows: int, content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "damaged.parquet"
    if content is not None:
        path.write_bytes(content)

    assert count_conversations([_file(path, rows)], tmp_path) is None
