import gzip
import io
from pathlib import Path

import pyarrow as pa
import pytest

from readstate.errors import BadInput, LocalDisk
from readstate.input.source import open_source
from readstate.model.desired import Operation
from tests.helpers.linted import CH, US, Linted

LINES = f"user,conversation,last_read_message_index\n{US},{CH},5\n"


def test_compressed_files_are_known_by_their_first_bytes() -> None:
    compressed = pa.compress(LINES.encode(), codec="zstd", asbytes=True)

    for data in (gzip.compress(LINES.encode()), compressed):
        linted = Linted(data, operation=Operation.UPDATE)
        assert linted.staged is not None
        assert (linted.staged.rows, linted.codes) == (1, [])


def test_standard_input_is_copied_before_it_is_read(tmp_path: Path) -> None:
    source = open_source("-", stdin=io.BytesIO(LINES.encode()), spool=tmp_path)

    assert source.path.read_text() == LINES
    assert source.path.stat().st_mode & 0o777 == 0o600
    assert source.size == len(LINES)
    with pytest.raises(LocalDisk):
        open_source("-", stdin=io.BytesIO(b""), spool=tmp_path / "missing")


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        open_source(str(tmp_path / "none.csv"), spool=tmp_path)


def test_a_pipe_with_a_name_is_read_once(tmp_path: Path) -> None:
    import os
    import threading

    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_text(LINES))
    writer.start()
    (tmp_path / "spool").mkdir()

    source = open_source(str(tmp_path / "pipe"), spool=tmp_path / "spool")

    writer.join()
    assert source.path.read_text() == LINES
