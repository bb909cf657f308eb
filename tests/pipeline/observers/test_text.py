"""Words and figures in a line."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.observers.text import counted, grouped, printable, spoken_seconds


@given(st.text(st.characters()))
def test_no_text_can_steer_a_terminal_or_break_a_line(text: str) -> None:
    shown = printable(text)

    assert not [c for c in shown if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"}]
    assert len(shown.splitlines()) <= 1
    assert not set(shown) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_what_is_hidden_becomes_visible() -> None:
    assert printable("a\x1b[31m\nb\u202ec\x9b") == "a\\x1b[31m\\nb\\u202ec\\x9b"


@pytest.mark.parametrize(("number", "text"), [(0, "0"), (999, "999"), (1000, "1 000"), (1234567, "1 234 567")])
def test_numbers_stand_in_groups_of_three(number: int, text: str) -> None:
    assert grouped(number) == text


@pytest.mark.parametrize(("number", "text"), [(0, "0 users"), (1, "1 user"), (2000, "2 000 users")])
def test_a_noun_agrees_with_its_number(number: int, text: str) -> None:
    assert counted(number, "user") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (99, "99 s"),
        (100, "2 min"),
        (3569, "59 min"),
        (3570, "1 h 0 min"),
        (7380, "2 h 3 min"),
    ],
)
def test_seconds_as_people_say_them(seconds: float, text: str) -> None:
    assert spoken_seconds(seconds) == text
