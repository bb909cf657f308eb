import csv
import gzip
import io
import tempfile
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.changes.input.lint import InputOptions, StagedFile, stage
from readstate.changes.input.problems import REJECT_COLUMNS, Problem, ProblemTally, RejectsFile, problem_at
from readstate.changes.input.source import open_source
from readstate.changes.input.staging import Staging
from readstate.errors import BadInput, LocalDisk
from readstate.model.desired import Operation

US, CH = "US" + "a" * 32, "CH" + "b" * 32


class Linted:
    """A file that was linted, its problems and what was staged of it."""

    def __init__(self, content: str | bytes, name: str = "in.csv", **options: object) -> None:
        self.problems: list[Problem] = []
        data = content if isinstance(content, bytes) else content.encode()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, name)
            path.write_bytes(data)
            source = open_source(str(path), stdin=io.BytesIO(), spool=Path(folder))
            staging = Staging(Path(folder))
            self.staged: StagedFile | None = stage(
                source,
                staging,
                InputOptions(**options),
                self.problems.append,  # type: ignore[arg-type]
            )
            self.rows = list(staging.select("SELECT * FROM intent ORDER BY line"))
            staging.close()

    @property
    def codes(self) -> list[str]:
        return [problem.code for problem in self.problems]

    @property
    def statuses(self) -> list[str | None]:
        return [row[12] for row in self.rows]


def updates(*lines: str, header: str = "user,conversation,last_read_message_index") -> Linted:
    return Linted("\n".join([header, *lines]), operation=Operation.UPDATE)


def test_a_good_file_has_no_problems() -> None:
    linted = updates(f"{US},{CH},5", f"alice,{CH},@latest")

    assert linted.staged is not None
    assert (linted.staged.rows, linted.staged.rejected) == (2, 0)
    assert not linted.problems


def test_every_problem_of_a_line_is_told_not_only_the_first() -> None:
    linted = updates("..,,1.2E+05")

    assert linted.codes == ["E-DOT-SEGMENT", "E-MISSING", "E-SCIENTIFIC"]
    assert linted.statuses == ["rejected"]


def test_a_line_that_sets_nothing_is_an_error() -> None:
    assert updates(f"{US},{CH},").codes == ["E-NOTHING-TO-SET"]


def test_a_removal_that_carries_values_is_an_error() -> None:
    linted = Linted(f"user,conversation,op,notification_level\n{US},{CH},delete,muted\n")

    assert linted.codes == ["E-DELETE-WITH-VALUES"]


def test_the_operation_must_come_from_somewhere_and_agree() -> None:
    silent = Linted(f"user,conversation,last_read_message_index\n{US},{CH},1\n")
    assert (silent.staged, silent.codes) == (None, ["E-OP"])
    header = "user,conversation,op,last_read_message_index\n"

    assert Linted(f"{header}{US},{CH},,1\n").codes == ["E-OP"]
    assert Linted(f"{header}{US},{CH},remove,\n").codes == ["E-OP"]
    assert Linted(f"{header}{US},{CH},delete,\n", operation=Operation.UPDATE).codes == ["E-OP"]


def test_expectations_and_long_texts_are_checked_too() -> None:
    header = "user,conversation,last_read_message_index,expect_last_read_message_index,expect_notification_level,note"

    assert updates(f"{US},{CH},1,x,loud,{'n' * 257}", header=header).codes == ["E-INDEX", "E-LEVEL", "E-TOO-LONG"]
    assert not updates(f"{US},{CH},2,1,muted,fine", header=header).problems


def test_equal_lines_are_carried_out_once_and_unequal_ones_not_at_all() -> None:
    linted = updates(f"a,{CH},1", f"b,{CH},1", f"a,{CH},1", f"b,{CH},2", f"a,{CH},1")

    assert linted.statuses == [None, "conflict", "duplicate", "conflict", "duplicate"]
    assert sorted(linted.codes) == ["W-CONFLICT", "W-CONFLICT", "W-DUP", "W-DUP"]
    assert "line 5" in next(problem for problem in linted.problems if problem.line == 3).message


def test_a_removal_and_an_update_of_one_membership_conflict() -> None:
    linted = Linted(f"user,conversation,op,notification_level\na,{CH},delete,\na,{CH},update,muted\n")

    assert linted.statuses == ["conflict", "conflict"]


@given(st.permutations(["a,x,1", "a,x,1", "b,x,1", "b,x,2", "c,x,1"]))
def test_the_order_of_lines_does_not_change_which_memberships_conflict(lines: list[str]) -> None:
    linted = updates(*lines)

    statuses: dict[str, list[str]] = {}
    for row in linted.rows:
        statuses.setdefault(row[2], []).append(str(row[12]))
    assert {user: sorted(found) for user, found in statuses.items()} == {
        "a": ["None", "duplicate"],
        "b": ["conflict", "conflict"],
        "c": ["None"],
    }


def test_identities_that_are_all_numbers_of_unequal_length_look_damaged() -> None:
    assert updates("007,x,1", "12,x,1").codes == ["W-LEADING-ZEROS"]
    assert not updates("007,x,1", "012,x,1").problems
    assert not updates("007,x,1", "12,x,1", "anna,x,1").problems


def test_invisible_characters_and_fractions_are_warnings() -> None:
    header = "user,conversation,last_read_timestamp"
    linted = updates("an\u00a0na,x,2026-01-01T00:00:00.5Z", header=header)

    assert linted.codes == ["W-INVISIBLE", "W-FRACTION"]
    assert linted.problems[0].value == "an\\xa0na"
    assert linted.statuses == [None]


def test_a_file_without_lines_is_a_warning() -> None:
    assert updates().codes == ["W-NO-ROWS"]


def test_a_header_that_cannot_be_used_ends_the_check() -> None:
    assert Linted("a,b\n").staged is None


LINES = f"user,conversation,last_read_message_index\n{US},{CH},5\n"


def test_compressed_files_are_known_by_their_first_bytes() -> None:
    compressed = pa.compress(LINES.encode(), codec="zstd", asbytes=True)

    for data in (gzip.compress(LINES.encode()), compressed):
        linted = Linted(data, operation=Operation.UPDATE)
        assert linted.staged is not None
        assert (linted.staged.rows, linted.codes) == (1, [])


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_a_compressed_file_cut_off_is_told_and_the_lines_before_it_are_checked(codec: str) -> None:
    lines = "".join(f"user-{number},{CH},{'x' if number == 0 else number}\n" for number in range(20_000))
    text = f"user,conversation,last_read_message_index\n{lines}".encode()
    data = gzip.compress(text) if codec == "gzip" else pa.compress(text, codec="zstd", asbytes=True)

    linted = Linted(data[: len(data) * 3 // 4], operation=Operation.UPDATE)

    assert "E-UNREADABLE" in linted.codes
    if codec == "gzip":
        assert linted.codes[0] == "E-INDEX"
        assert linted.staged is not None
        assert 1000 < linted.staged.rows < 20_000


def test_text_that_ends_in_the_middle_of_a_character_is_told() -> None:
    linted = Linted("user,conversation\n".encode("utf-16") + b"a", operation=Operation.DELETE)

    assert linted.codes == ["E-UNREADABLE", "W-NO-ROWS"]
    assert "UTF-16-LE" in linted.problems[0].message


def test_a_quote_that_never_ends_spoils_its_line() -> None:
    assert Linted(LINES + '"a,b', operation=Operation.UPDATE).statuses == [None, "rejected"]


def test_standard_input_is_copied_before_it_is_read(tmp_path: Path) -> None:
    source = open_source("-", stdin=io.BytesIO(LINES.encode()), spool=tmp_path)

    assert source.path.read_text() == LINES
    assert source.path.stat().st_mode & 0o777 == 0o600
    assert source.size == len(LINES)
    with pytest.raises(LocalDisk):
        open_source("-", stdin=io.BytesIO(b""), spool=tmp_path / "missing")


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        open_source(str(tmp_path / "none.csv"), stdin=io.BytesIO(), spool=tmp_path)


def test_a_pipe_with_a_name_is_read_once(tmp_path: Path) -> None:
    import os
    import threading

    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_text(LINES))
    writer.start()
    (tmp_path / "spool").mkdir()

    source = open_source(str(tmp_path / "pipe"), stdin=io.BytesIO(), spool=tmp_path / "spool")

    writer.join()
    assert source.path.read_text() == LINES


def test_rejects_are_a_csv_of_every_problem(tmp_path: Path) -> None:
    problem = problem_at(3, "E-X", "m,\nm", "h", line_end=4, column="user", value="v")
    with RejectsFile(tmp_path / "rejects.csv") as rejects:
        rejects(problem)
        rejects.flush()
        written = (tmp_path / "rejects.csv").read_text()

    assert list(csv.reader(io.StringIO(written, newline=""))) == [
        list(REJECT_COLUMNS),
        ["3", "4", "user", "v", "E-X", "m,\nm", "h"],
    ]
    assert rejects.tally.errors == 1


def test_a_tally_counts_all_and_remembers_errors_before_warnings() -> None:
    tally = ProblemTally()
    for number in range(30):
        code = "W-Y" if number < 15 else "E-X"
        tally.add(problem_at(number, code, "", ""))

    assert tally.by_code == {"W-Y": 15, "E-X": 15}
    assert (tally.errors, tally.warnings) == (15, 15)
    assert [problem.code for problem in tally.first] == ["E-X"] * 10


def test_a_full_disk_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(LocalDisk):
        Staging(tmp_path / "missing")
    staging = Staging(tmp_path)
    staging.close()
    with pytest.raises(LocalDisk):
        staging.write("INSERT INTO duplicate VALUES (?,?,?)", [(1, "", "")])
