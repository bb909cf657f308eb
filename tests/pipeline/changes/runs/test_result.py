import pytest

from readstate.changes.runs.result import exit_code_of, summarise
from readstate.changes.runs.row_record import INTENT
from readstate.errors import ExitCode
from readstate.stop import StopReason


@pytest.mark.parametrize(
    ("counts", "code"),
    [
        ({"applied": 3}, ExitCode.DONE),
        ({"applied": 3, "drifted": 1}, ExitCode.SOME_DRIFTED),
        ({"drifted": 1, "rejected": 1}, ExitCode.SOME_FAILED),
        ({"not_found": 1}, ExitCode.SOME_FAILED),
        ({"drifted": 1, "rejected": 1, "unknown": 1}, ExitCode.SOME_UNKNOWN),
    ],
)
def test_the_worst_row_decides_the_exit_code(counts: dict[str, int], code: ExitCode) -> None:
    assert exit_code_of(counts) == code


def test_an_ending_counts_every_row_once_and_a_stop_only_where_rows_are_left() -> None:
    stop = StopReason("enough", ExitCode.TERMINATED)

    left = summarise({"applied": 2, INTENT: 1, "pending": 1}, 10, stop)
    done = summarise({"applied": 10}, 10, stop)

    assert left.counts == {"applied": 2, "unknown": 1, "cancelled": 7}
    assert (left.exit_code, done.exit_code) == (ExitCode.TERMINATED, ExitCode.DONE)
    assert summarise({"applied": 1}, 2, None).exit_code == ExitCode.STOPPED_EARLY
