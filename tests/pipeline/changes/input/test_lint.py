import gzip

import pyarrow as pa
import pytest

from readstate.model.desired import Operation
from tests.helpers.linted import CH, Linted, updates


def test_identities_that_are_all_numbers_of_unequal_length_look_damaged() -> None:
    assert updates("007,x,1", "12,x,1").codes == ["W-LEADING-ZEROS"]
    assert not updates("007,x,1", "012,x,1").problems
    assert not updates("007,x,1", "12,x,1", "anna,x,1").problems


def test_a_file_without_lines_is_a_warning() -> None:
    assert updates().codes == ["W-NO-ROWS"]


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_a_compressed_file_that_is_cut_off_is_checked_up_to_there(codec: str) -> None:
    lines = "".join(f"user-{number},{CH},{'x' if number == 0 else number}\n" for number in range(20_000))
    text = f"user,conversation,last_read_message_index\n{lines}".encode()
    data = gzip.compress(text) if codec == "gzip" else pa.compress(text, codec="zstd", asbytes=True)

    linted = Linted(data[: len(data) * 3 // 4], operation=Operation.UPDATE)

    assert "E-UNREADABLE" in linted.codes
    if codec == "gzip":
        assert linted.codes[0] == "E-INDEX"
        assert linted.staged is not None
        assert 1000 < linted.staged.rows < 20_000


def test_a_file_that_only_begins_like_a_compressed_one_is_one_problem() -> None:
    linted = Linted(b"\x1f\x8buser,conversation\n")

    assert (linted.staged, linted.codes) == (None, ["E-UNREADABLE"])


def test_text_that_ends_in_the_middle_of_a_character_is_an_error() -> None:
    linted = Linted("user,conversation\n".encode("utf-16") + b"a", operation=Operation.DELETE)

    assert linted.codes == ["E-UNREADABLE"]
    assert linted.statuses == ["rejected"]
    assert "UTF-16-LE" in linted.problems[0].message
