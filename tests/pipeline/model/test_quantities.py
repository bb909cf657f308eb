from datetime import date
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from readstate.errors import BadInput
from readstate.model.quantities import Allowance, parse_allowance, parse_date, parse_duration

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class TestDuration:
    @given(st.lists(st.sampled_from("dhms"), min_size=1, unique=True), st.integers(0, 9999))
    def test_parts_add_up_from_the_largest_to_the_smallest(self, units: list[str], number: int) -> None:
        text = "".join(f"{number}{unit}" for unit in sorted(units))

        assert parse_duration(text) == sum(number * UNITS[unit] for unit in units)

    @pytest.mark.parametrize(
        ("text", "seconds"), [("90", 90), ("0.5", 0.5), ("5h", 18000), ("1h30m", 5400), ("1.5h", 5400), ("0s", 0)]
    )
    def test_forms(self, text: str, seconds: float) -> None:
        assert parse_duration(text) == seconds

    @pytest.mark.parametrize(
        "text",
        ["", "h", "5x", "-5s", "5 h 3", "1h30", "inf", "nan", "1e3", ".5h", "5h!", "9" * 400,
                 "5H", " 5h", "5h ", "5h\n", "30m1h", "5h5h", "1.5h30m", "٣h", "1_0s", "+5s", "5h30", "1h 30m"],
    )  # fmt: skip
    def test_anything_else_is_refused_with_an_example(self, text: str) -> None:
        with pytest.raises(BadInput, match="is not a duration") as refused:
            parse_duration(text)
        assert "5h" in (refused.value.hint or "")

    @pytest.mark.parametrize("text", ["36501d", "999999999d", "999999999d999999999h"])
    def test_what_no_clock_can_count_is_refused(self, text: str) -> None:
        with pytest.raises(BadInput, match="longer than a hundred years"):
            parse_duration(text)

    @given(st.text())
    def test_no_text_breaks_it(self, text: str) -> None:
        try:
            seconds = parse_duration(text)
        except BadInput:
            return
        assert 0 <= seconds < float("inf")


class TestDate:
    def test_it_is_written_in_one_form(self) -> None:
        assert parse_date("2026-11-23") == date(2026, 11, 23)

    @pytest.mark.parametrize(
        "text", ["20261123", "2026-W48-1", "2026W481", "2026-11-23 ", "2026-11-23T00:00", "2026-1-1", "٢٠٢٦-11-23", ""]
    )
    def test_the_other_forms_of_iso_8601_are_refused(self, text: str) -> None:
        with pytest.raises(BadInput, match="is not a date"):
            parse_date(text)

    def test_a_day_that_no_month_has_is_told_as_that(self) -> None:
        with pytest.raises(BadInput, match="there is no such day"):
            parse_date("2026-02-30")


class TestAllowance:
    @pytest.mark.parametrize(
        ("text", "whole", "allowed"),
        [("50", 10, 50), ("0", 10**6, 0), ("0.1%", 1000, 1), ("0.1 %", 999, 0), ("100%", 7, 7), ("5%", 0, 0)],
    )
    def test_a_count_or_a_share(self, text: str, whole: int, allowed: int) -> None:
        assert parse_allowance(text).of(whole) == allowed

    @given(st.integers(0, 10000), st.integers(0, 10**7))
    @example(2900, 100)
    def test_a_share_is_exact_and_rounded_down(self, hundredths: int, whole: int) -> None:
        text = f"{hundredths // 100}.{hundredths % 100:02}%"

        assert parse_allowance(text).of(whole) == Fraction(hundredths, 10000) * whole // 1

    @pytest.mark.parametrize(
        "text", ["", "%", "-1", "1.5", "101%", "a%", "1%%", "nan%", " 5%", "5%\n", "٣", "1_0", "9" * 5000]
    )
    def test_anything_else_is_refused_with_an_example(self, text: str) -> None:
        with pytest.raises(BadInput, match="neither a count nor a percentage") as refused:
            parse_allowance(text)
        assert "0.1%" in (refused.value.hint or "")

    def test_nothing_is_allowed_unless_said(self) -> None:
        assert Allowance().of(10**9) == 0
