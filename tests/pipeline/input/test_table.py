"""Changes, users and exclusions go through one reader: what one file may be, the others may be."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from readstate.errors import BadInput
from readstate.input.source import open_source
from readstate.snapshot.roster.users_file import read_users_file
from readstate_jobs.mark_read.exclude_file import read_exclusions
from tests.helpers.linted import CH, Linted

WRITTEN: dict[str, Callable[[str], bytes]] = {
    "plain": str.encode,
    "semicolons": lambda text: text.replace(",", ";").encode(),
    "tabs": lambda text: text.replace(",", "\t").encode(),
    "pipes": lambda text: text.replace(",", "|").encode(),
    "gzip": lambda text: gzip.compress(text.encode()),
    "zstd": lambda text: bytes(pa.compress(text.encode(), codec="zstd", asbytes=True)),
    "UTF-8 with a mark": lambda text: text.encode("utf-8-sig"),
    "UTF-16": lambda text: text.encode("utf-16"),
    "line ends of Windows": lambda text: text.replace("\n", "\r\n").encode(),
    "capitals": lambda text: text.replace("user", " User ").replace("conversation", "CONVERSATION").encode(),
    "comments": lambda text: f'# of today, by "me\n{text}# nobody\n#\n'.encode(),
    "quotes": lambda text: text.replace("größe,", '"größe",').replace("user", '"user"').encode(),
    "empty first lines": lambda text: f"\n  \n,,\n{text}".encode(),
    "a spreadsheet's empty cells": lambda text: text.replace("\n", ",,\n").encode(),
    "sep=": lambda text: f"sep=;\n{text.replace(',', ';')}".encode(),
}


@pytest.mark.parametrize("written", WRITTEN)
def test_every_file_may_be_written_in_every_way(written: str, tmp_path: Path) -> None:
    write = WRITTEN[written]
    (tmp_path / "users").write_bytes(write("user,service\ngröße,default\n#anna,\n"))
    (tmp_path / "exclude").write_bytes(write(f"user,conversation\ngröße,{CH}\n#anna,\n"))

    users = read_users_file(str(tmp_path / "users"), warn=pytest.fail)
    excluded = read_exclusions(str(tmp_path / "exclude"), warn=pytest.fail)
    changes = Linted(write(f"user,conversation,op\ngröße,{CH},delete\n#anna,{CH},delete\n"))

    assert [entry.user for entry in users] == ["größe", "#anna"]
    assert (excluded.users, excluded.memberships) == ({"#anna"}, {("größe", CH)})
    assert [row[2] for row in changes.rows] == ["größe", "#anna"]
    assert changes.codes == []


def test_every_file_may_be_parquet(tmp_path: Path) -> None:
    path = tmp_path / "changes [1]*.parquet"
    moment = pa.array(["2026-11-23T18:02:00Z", None]).cast(pa.timestamp("us", tz="UTC"))
    pq.write_table(
        pa.table({"User": ["größe", "bob"], "conversation": [CH, CH], "last_read_message_index": [7, None],
                  "last_read_timestamp": moment}),
        path,
    )  # fmt: skip
    (tmp_path / "exclude").write_bytes((tmp_path / path.name).read_bytes()[:0] + _parquet(conversation=[CH]))
    (tmp_path / "users").write_bytes(_parquet(user=["bob", None, "bob"]))

    changes = Linted(path.read_bytes(), name=path.name, operation="update")

    assert changes.codes == ["E-NOTHING-TO-SET"]
    assert changes.rows[0][2:8] == ("größe", CH, "update", 7, 1_795_456_920, None)
    assert [entry.user for entry in read_users_file(str(tmp_path / "users"), warn=pytest.fail)] == ["bob"]
    assert read_exclusions(str(tmp_path / "exclude"), warn=pytest.fail).conversations == {CH}


def test_a_pattern_in_the_name_of_a_parquet_file_is_no_pattern(tmp_path: Path) -> None:
    for name in ("users*.parquet", "users1.parquet"):
        (tmp_path / name).write_bytes(_parquet(user=[name]))

    (entry,) = read_users_file(str(tmp_path / "users*.parquet"), warn=pytest.fail)

    assert entry.user == "users*.parquet"
    assert open_source(str(tmp_path / "users*.parquet"), spool=tmp_path).is_parquet


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data.replace(b"user", b"us\xff\xfe"),
        lambda data: data.replace(b"anna", b"an\xff\xfe"),
        lambda data: data[: len(data) // 2],
        lambda data: data[:-8] + b"\xff\xff\xff\x7fPAR1",
    ],
    ids=["a name that is no text", "a cell that is no text", "cut off", "no footer"],
)
def test_a_damaged_parquet_file_is_told_as_damaged(damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    (tmp_path / "users").write_bytes(damage(_parquet(user=["anna", "bob"])))

    with pytest.raises(BadInput, match="cannot be read as Parquet") as told:
        read_users_file(str(tmp_path / "users"), warn=pytest.fail)
    assert "readstate-" not in told.value.message


def test_what_is_doubtful_in_a_list_is_told_and_taken(tmp_path: Path) -> None:
    (tmp_path / "users.txt").write_text("an\u00a0na\ngro\u0308ße\n", encoding="utf-8")
    told: list[str] = []

    users = read_users_file(str(tmp_path / "users.txt"), warn=told.append)

    assert len(users) == 2
    assert [line.split("(W-")[1].split(")")[0] for line in told] == ["INVISIBLE", "DECOMPOSED"]
    assert "users.txt: line 1, user 'an\\xa0na': the cell holds a no-break space" in told[0]


def _parquet(**columns: list[str | None]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()}), sink)
    return bytes(sink.getvalue())
