"""Users files: every wrong line is reported in one pass, and every right one is read."""

import io
import re
import tempfile
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet as pq

from readstate.errors import BadInput
from readstate.snapshot.roster.selection import RosterEntry
from readstate.snapshot.roster.users_file import read_users_file

USER = "US" + "a" * 32
SERVICE = "IS" + "b" * 32


def read(path: Path) -> list[RosterEntry]:
    return list(read_users_file(str(path), warn=lambda _: None))


WRONG_LINES = {
    b",": None,
    b",IS" + b"b" * 32: "the cell is empty",
    b"alice,,surplus": "3 cells where the header has 2",
    b"ali\xffce,": "not UTF-8",
    b"ali\x07ce,": "a control character (U+0007)",
    b"alice\xc2\xa0,": "ends with a no-break space (U+00A0)",
    b" alice,": "begins with a space (U+0020)",
    b"..,": "would address something else",
    b"x" * 257 + b",": "257 characters",
    "“alice”,".encode(): "typographic quotes",
    b"1.2E+05,": "powers of ten",
    b"CH" + b"c" * 32 + b",": "the SID of a conversation",
    b"US" + b"a" * 31 + b",": "looks like a SID",
    b"alice,IS123": "not a service's SID",
    b'"alice"x,': "a quote is out of place",
}


def test_each_kind_of_wrong_line_is_reported_in_one_pass_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_bytes(b"\n".join([b"user,service", *WRONG_LINES, b"bob,"]))

    with pytest.raises(BadInput) as caught:
        read(path)

    reasons = {number: reason for number, reason in enumerate(WRONG_LINES.values(), start=2) if reason}
    assert len(reasons) >= 12
    assert f"{len(reasons)} problems" in caught.value.message
    listed = caught.value.message.splitlines()
    for number, reason in reasons.items():
        assert any(re.match(rf"  line {number}\b", line) and reason in line for line in listed), (
            number,
            reason,
            listed,
        )


def test_users_come_once_each_with_their_service(tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text(f"﻿service,user\r\n,alice\r\n{SERVICE},alice\r\ndefault,alice\r\n,{USER}\r\n", encoding="utf-8")

    assert read(path) == [
        RosterEntry(2, "alice", None),
        RosterEntry(3, "alice", SERVICE),
        RosterEntry(5, USER, None),
    ]


def test_a_text_file_holds_one_user_a_line_whatever_the_identity_looks_like(tmp_path: Path) -> None:
    identities = ["alice", "a,b", '"quoted"', "#hash", "a/b?c", "+49 30", "名前"]
    path = tmp_path / "users.txt"
    path.write_text("\n".join(identities) + "\n\n", encoding="utf-8")

    assert [entry.user for entry in read(path)] == identities


def test_a_parquet_file_is_read_by_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "users.parquet"
    pq.write_table(pa.table({"user": ["alice", USER], "service": [None, SERVICE]}), path)

    assert read(path) == [RosterEntry(1, "alice", None), RosterEntry(2, USER, SERVICE)]


@pytest.mark.parametrize("content", [b"user\nalice\nbob\n", b"alice\nbob\n"])
def test_standard_input_may_be_csv_or_text(content: bytes) -> None:
    entries = read_users_file("-", warn=pytest.fail, stdin=io.BytesIO(content))

    assert [entry.user for entry in entries] == ["alice", "bob"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("users.csv", b"identity\nalice\n", "did you mean 'user'"),
        ("users.csv", b"email\nalice\n", "'user' is missing"),
        ("users.csv", b"user,user\nalice,bob\n", "there twice"),
        ("users.csv", b"", "file is empty"),
        ("users.csv", b"\n\n", "file is empty"),
        ("users.txt", b"\n\n", "file is empty"),
        ("users.csv", b"user\n", "there is no user in it"),
        ("users.parquet", b"PAR1 and no more", "cannot be read as Parquet"),
    ],
)
def test_a_file_that_cannot_be_understood_is_refused_as_a_whole(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(BadInput, match=message):
        read(tmp_path / name)


def test_a_parquet_file_without_users_names_its_columns(tmp_path: Path) -> None:
    pq.write_table(pa.table({"identity": ["alice"]}), tmp_path / "users.parquet")

    with pytest.raises(BadInput, match="did you mean 'user'"):
        read(tmp_path / "users.parquet")


def test_a_missing_file_is_named() -> None:
    with pytest.raises(BadInput, match=r"nowhere\.csv: No such file"):
        read(Path("nowhere.csv"))


def test_a_long_report_is_cut_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "users.txt").write_text("..\n" * 70)

    with pytest.raises(BadInput, match="70 problems") as caught:
        read(tmp_path / "users.txt")
    assert "and 20 more" in caught.value.message


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1))
def test_no_text_makes_the_reader_stumble_and_none_is_lost(texts: list[str]) -> None:
    lines = [line for text in texts for line in text.splitlines() if line.strip() and line[0] != "#"]
    with tempfile.TemporaryDirectory() as folder, suppress(BadInput):
        path = Path(folder, "users.txt")
        path.write_text("\n".join(["alice", *lines]), encoding="utf-8", newline="")

        assert {entry.user for entry in read(path)} == {"alice", *lines}
