from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from readstate.errors import BadInput
from readstate.model.quantities import Allowance, parse_allowance, parse_duration

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class TestDuration:
    @given(st.lists(st.tuples(st.integers(0, 9999), st.sampled_from("smhdSMHD")), min_size=1, max_size=4))
    def test_parts_add_up(self, parts: list[tuple[int, str]]) -> None:
        text = "".join(f"{number}{unit}" for number, unit in parts)

        assert parse_duration(text) == sum(number * UNITS[unit.lower()] for number, unit in parts)

    @pytest.mark.parametrize(
        ("text", "seconds"), [("90", 90), ("0.5", 0.5), (" 5h ", 18000), ("1h30m", 5400), ("1.5h", 5400), ("0s", 0)]
    )
    def test_forms(self, text: str, seconds: float) -> None:
        assert parse_duration(text) == seconds

    @pytest.mark.parametrize(
        "text", ["", "h", "5x", "-5s", "5 h 3", "1h30", "inf", "nan", "1e3", ".5h", "5h!", "9" * 400]
    )
    def test_anything_else_is_refused_with_an_example(self, text: str) -> None:
        with pytest.raises(BadInput, match="is not a duration") as refused:
            parse_duration(text)
        assert "5h" in (refused.value.hint or "")

    @given(st.text())
    def test_no_text_breaks_it(self, text: str) -> None:
        try:
            seconds = parse_duration(text)
        except BadInput:
            return
        assert 0 <= seconds < float("inf")


class TestAllowance:
    @pytest.mark.parametrize(
        ("text", "whole", "allowed"),
        [("50", 10, 50), ("0", 10**6, 0), ("0.1%", 1000, 1), ("0.1 %", 999, 0), ("100%", 7, 7), (" 5% ", 0, 0)],
    )
    def test_a_count_or_a_share(self, text: str, whole: int, allowed: int) -> None:
        assert parse_allowance(text).of(whole) == allowed

    @given(st.integers(0, 10000), st.integers(0, 10**7))
    @example(2900, 100)
    def test_a_share_is_exact_and_rounded_down(self, hundredths: int, whole: int) -> None:
        text = f"{hundredths // 100}.{hundredths % 100:02}%"

        assert parse_allowance(text).of(whole) == Fraction(hundredths, 10000) * whole // 1

    @pytest.mark.parametrize("text", ["", "%", "-1", "1.5", "101%", "a%", "1%%", "nan%"])
    def test_anything_else_is_refused_with_an_example(self, text: str) -> None:
        with pytest.raises(BadInput, match="neither a count nor a percentage") as refused:
            parse_allowance(text)
        assert "0.1%" in (refused.value.hint or "")

    def test_nothing_is_allowed_unless_said(self) -> None:
        assert Allowance().of(10**9) == 0
