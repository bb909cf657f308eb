import gzip
import io
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import feather, orc

from tests.helpers.linted import Linted

LINES = b"user,conversation,op\n"


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return file.getvalue()


def tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("changes.csv")
        member.size = len(LINES)
        archive.addfile(member, io.BytesIO(LINES))
    return file.getvalue()


def table(write: Callable[[pa.Table, io.BytesIO], object]) -> bytes:
    file = io.BytesIO()
    write(pa.table({"user": ["anna"]}), file)
    return file.getvalue()


def sqlite() -> bytes:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE changes (user)")
    return database.serialize()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (zipped(), "a spreadsheet (.xlsx, .ods) or a ZIP archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "an old Excel workbook"),
        (tarred(), "a tar archive"),
        (gzip.compress(tarred(), mtime=0), "a tar archive"),
        (gzip.compress(gzip.compress(LINES, mtime=0), mtime=0), "compressed more than once"),
        (b"BZh91AY&SY", "compressed with bzip2"),
        (b"\xfd7zXZ\x00\x00\x04", "compressed with xz"),
        (b"7z\xbc\xaf\x27\x1c\x00", "a 7z archive"),
        (gzip.compress(b"PAR1", mtime=0), "Parquet that was compressed as a whole"),
        (table(feather.write_feather), "an Arrow or Feather file"),
        (table(orc.write_table), "an ORC file"),
        (sqlite(), "an SQLite database"),
        (b"%PDF-1.7", "a PDF"),
        (b"\n<!DOCTYPE html><table>", "a page (HTML or XML)"),
        (b'[{"user": "anna"}]', "JSON"),
        (b'{"user": "anna"}\n', "JSON"),
        ("user,conversation\n".encode("utf-32"), "text in UTF-32"),
    ],
)  # fmt: skip
def test_what_is_no_text_is_called_by_its_name(data: bytes, kind: str) -> None:
    linted = Linted(data)

    assert (linted.staged, linted.codes) == (None, ["E-FORMAT"])
    assert f"neither CSV nor text: {kind}" in linted.problems[0].message
    assert linted.problems[0].hint


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    from readstate.errors import BadInput
    from readstate.input.source import open_source

    with pytest.raises(BadInput, match="Is a directory"):
        open_source(str(tmp_path), spool=tmp_path)
