from datetime import date

import pytest

from readstate.html.axes import date_axis, scale, time_axis


@pytest.mark.parametrize(
    ("highest", "marks"),
    [(0, [0, 1]), (0.3, [0, 1]), (4, [0, 1, 2, 3, 4]), (21_700, [0, 10_000, 20_000, 30_000]), (100, [0, 50, 100])],
)
def test_a_scale_has_few_round_numbers_and_reaches_the_highest(highest: float, marks: list[float]) -> None:
    assert scale(highest) == marks


def test_a_night_without_snapshot_keeps_its_place() -> None:
    axis = date_axis("date", [date(2026, 11, 20), date(2026, 11, 21), date(2026, 11, 23)])

    first, second, third = axis.places
    assert (second - first, third - second) == (1, 2)
    assert axis.labels[-1] == "2026-11-23"
    assert [text for _, text in axis.marks] == ["11-20", "11-21", "11-22", "11-23"]


@pytest.mark.parametrize(
    ("seconds", "marks"),
    [([0], ["0 s"]), ([0, 3.2], ["0 s", "1 s", "2 s", "3 s"]), ([0, 400], ["0 s", "2 min", "4 min", "6 min"]),
     ([0, 30 * 86_400], ["0 s", "8 d", "16 d", "24 d"])],
)  # fmt: skip
def test_marks_of_time_are_round_whatever_its_length(seconds: list[float], marks: list[str]) -> None:
    assert [text for _, text in time_axis("", seconds).marks] == marks
