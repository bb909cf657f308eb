import csv
import io
from contextlib import closing
from pathlib import Path

import pytest

from readstate.errors import LocalDisk
from readstate.input import problems
from readstate.input.problems import REJECT_COLUMNS, ProblemTally, RejectsFile, problem_at


def test_rejects_are_a_csv_of_every_problem(tmp_path: Path) -> None:
    problem = problem_at(3, "E-X", "m,\nm", "h", line_end=4, column="user", value="=1+1")
    with closing(RejectsFile(tmp_path / "rejects.csv")) as rejects:
        rejects(problem)
        rejects.flush()
        written = (tmp_path / "rejects.csv").read_text()

    assert list(csv.reader(io.StringIO(written, newline=""))) == [
        list(REJECT_COLUMNS),
        ["3", "4", "user", "'=1+1", "E-X", "m,\nm", "h"],
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


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here is always full")
def test_a_full_disk_is_told_with_the_name_of_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("wb") as full:
        monkeypatch.setattr(problems, "create_private", lambda _path: full)
        report = RejectsFile(tmp_path / "rejects.csv")
        with pytest.raises(LocalDisk, match=r"rejects\.csv: No space left on device"):
            report.flush()
        with pytest.raises(LocalDisk):
            report.close()
