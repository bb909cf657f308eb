"""The number of different conversations in the files of a snapshot."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from readstate.snapshot.export.distinct import count_conversations


@pytest.mark.parametrize(("files", "count"), [([], 0), ([["CH1", "CH1", "CH2"]], 2), ([["CH1", "CH2"], ["CH2"]], 2)])
def test_each_conversation_is_counted_once_in_whatever_file(files: list[list[str]], count: int, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.parquet" for number in range(len(files))]
    for path, sids in zip(paths, files, strict=True):
        pq.write_table(pa.table({"conversation_sid": sids}), path)

    assert count_conversations(paths, tmp_path) == count


def test_where_it_cannot_be_counted_it_is_unknown(tmp_path: Path) -> None:
    assert count_conversations([tmp_path / "none.parquet"], tmp_path) is None
