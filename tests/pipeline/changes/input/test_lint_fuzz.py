"""Good files with damage at random places: nothing may break, get lost, or slip through."""

import random

from hypothesis import given
from hypothesis import strategies as st

from readstate.model.ids import is_sid, is_unsafe_in_path
from readstate.twilio.http.request import segment
from tests.helpers.linted import Linted

GOOD = [
    "user,conversation,op,last_read_message_index,last_read_timestamp,notification_level,note",
    f"US{'a' * 32},CH{'b' * 32},update,5,,,",
    'anna@example.com,case-17,update,@latest,2026-11-23T18:02:00Z,muted,"two\nlines, and ""quotes"""',
    f"größe 😀,CH{'c' * 32},delete,,,,",
    "a/b,../x,update,0,,default,=1+1",
]
SNIPPETS = [
    b'"', b",", b";", b"\n", b"\r", b"\0", b"\xff", b"\xc3", b"..", b"%2e", b"\\N", b"1.2E+05", b"\xe2\x80\x8b",
    b"\x1b[2J", b"\xef\xbb\xbf", b"@latest", b"'", b"\t", b" ", b"9" * 40,
]  # fmt: skip


def damaged(chance: random.Random) -> bytes:
    lines = [GOOD[0], *(chance.choice(GOOD[1:]) for _ in range(chance.randrange(6)))]
    data = "\n".join(lines).encode(chance.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16"]))
    for _ in range(chance.randrange(4)):
        at = chance.randrange(len(data) + 1)
        data = data[:at] + chance.choice(SNIPPETS) + data[at + chance.randrange(4) :]
    return data


def check(data: bytes) -> None:
    linted = Linted(data)

    errors = [problem for problem in linted.problems if problem.is_error]
    if linted.staged is None:
        assert errors
        return
    lines = [row[0] for row in linted.rows]
    assert lines == sorted(set(lines))
    assert linted.staged.rows == len(lines)
    rejected = {row[0] for row in linted.rows if row[12] == "rejected"}
    assert rejected <= {problem.line for problem in errors}
    for problem in linted.problems:
        assert (problem.column + problem.value).isprintable()
        assert problem.hint
    for row in linted.rows:
        if row[12] is None:
            for name in row[2:4]:
                assert name not in {"", ".", ".."}
                assert is_sid(name, "US") or is_sid(name, "CH") or is_unsafe_in_path(name) or "/" not in segment(name)


@given(st.integers(0, 2**32))
def test_damaged_files_are_understood_line_by_line(seed: int) -> None:
    check(damaged(random.Random(seed)))
