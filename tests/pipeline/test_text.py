"""Text from outside cannot steer anything, wherever it is shown; numbers read alike everywhere."""

import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.changes.render.markdown import escaped
from readstate.events import Message
from readstate.html.render import render_template
from readstate.observers.event_log import EventLog
from readstate.observers.progress_bar import ProgressBar
from readstate.text import (
    as_unicode,
    escape_control,
    escape_formula,
    escape_json,
    format_duration,
    format_moment,
    format_size,
    pluralize,
    short_sid,
    truncate,
    unescape_formula,
)
from readstate_jobs.output.terminal import print_table
from tests.helpers.fake_clock import FakeClock

STEERING = {
    "\x00": r"\x00",
    "\n": r"\n",
    "\r": r"\r",
    "\x1b": r"\x1b",
    "\x7f": r"\x7f",
    "\x85": r"\x85",
    "\x9b": r"\x9b",
    "\xa0": r"\xa0",
    "\u061c": r"\u061c",
    "\u200b": r"\u200b",
    "\u200e": r"\u200e",
    "\u200f": r"\u200f",
    "\u2028": r"\u2028",
    "\u2029": r"\u2029",
    **{chr(mark): rf"\u{mark:04x}" for mark in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))},
    "\ud800": r"\ud800",
    "\U000e0001": r"\U000e0001",
}
"""What moves a cursor, ends a line, turns the direction of reading, hides, or is half a character."""


def in_html(text: str, directory: Path) -> str:
    (template := directory / "page.html").write_text("{{ text|escape_control }}")
    return render_template(template, text=text)


def in_a_markdown_table(text: str, directory: Path) -> str:
    (template := directory / "page.md").write_text("{{ text|cell }}")
    return render_template(template, text=text).replace("\\\\", "\\")


def in_a_plan_as_markdown(text: str, directory: Path) -> str:
    return escaped(text).replace("\\\\", "\\")


def in_a_log(text: str, directory: Path) -> str:
    lines: list[str] = []
    EventLog(lines.append, clock=FakeClock(), log_format="text", prints_progress=False).observe(Message(text))
    return lines[0]


def above_a_progress_bar(text: str, directory: Path) -> str:
    stream = io.StringIO()
    bar = ProgressBar(stream, verb="export")
    bar.write(text)
    bar.close()
    return stream.getvalue().rstrip("\n")


@pytest.mark.parametrize("steering", STEERING, ids=ascii)
@pytest.mark.parametrize("shown", [in_html, in_a_markdown_table, in_a_plan_as_markdown, in_a_log, above_a_progress_bar])
def test_what_could_steer_is_written_as_an_escape_everywhere(
    shown: Callable[[str, Path], str], steering: str, tmp_path: Path
) -> None:
    text = shown(f"a{steering}b", tmp_path)

    assert f"a{STEERING[steering]}b" in text
    assert steering not in text


@pytest.mark.parametrize("steering", STEERING, ids=ascii)
def test_a_table_on_the_terminal_shows_it_as_an_escape(steering: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_table([[f"a{steering}b"]])

    assert capsys.readouterr().out == f"a{STEERING[steering]}b\n"


def test_a_name_of_a_file_that_is_no_utf_8_becomes_text() -> None:
    assert as_unicode("ü\udcff") == r"ü\udcff"


@given(st.text(st.characters()))
def test_no_text_can_steer_a_terminal_or_break_a_line(text: str) -> None:
    assert escape_control(text).isprintable()


@given(st.text(st.characters()))
def test_json_at_a_terminal_steers_nothing_and_means_the_same(text: str) -> None:
    shown = escape_json(json.dumps({"a": text}, indent=2, ensure_ascii=False))

    assert json.loads(shown) == {"a": text}
    assert shown.replace("\n", "").isprintable()


@given(st.text(st.characters(categories=["L", "M", "N", "P", "S"])))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert escape_control(text) == text


@pytest.mark.parametrize(("text", "shown"), [("12345", "12345"), ("123456", "1234…"), ("", "")])
def test_text_that_is_too_long_ends_in_an_ellipsis(text: str, shown: str) -> None:
    assert truncate(text, 5) == shown


@pytest.mark.parametrize(
    ("text", "shown"), [("US" + "0" * 28 + "4f2a", "US…4f2a"), ("ada", "ada"), ("a" * 33 + "!", "a" * 33 + "!")]
)
def test_only_a_sid_is_shortened(text: str, shown: str) -> None:
    assert short_sid(text) == shown


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 users"), (1, "1 user"), (999, "999 users"), (1_234_567, "1 234 567 users")]
)
def test_a_number_stands_in_groups_of_three_and_its_noun_agrees(number: int, text: str) -> None:
    assert pluralize(number, "user") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.42, "0.4 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (425, "7 min 5 s"),
        (3_599.7, "1 h"),
        (7_380, "2 h 3 min"),
        (100_000, "27 h 46 min"),
        (172_800, "2 d"),
        (400_000, "4 d 15 h"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (123_456, "123 kB"), (5 * 10**12, "5000 GB")]
)
def test_a_size_has_a_unit_that_suits_it(size: int, text: str) -> None:
    assert format_size(size) == text


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
        (datetime(999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), "0999-12-31T23:59:59Z"),
        (datetime(2026, 11, 23, 18, 2, tzinfo=timezone(timedelta(hours=1))), "2026-11-23T17:02:00Z"),
    ],
)
def test_moments_have_four_digits_of_a_year(moment: datetime, text: str) -> None:
    assert format_moment(moment) == text


@pytest.mark.parametrize(
    "text", ["=1+1", "@SUM(1)", "-2+3", "+1-800", "\t=1", "\r=1", "＝1", "'=1", "+cmd|' /C calc'!A0"]
)
def test_what_a_spreadsheet_would_compute_gets_an_apostrophe(text: str) -> None:
    assert escape_formula(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "plain", "+4915112345678", "-5", "-1.5", "@latest", "a=b", "'quoted'"])
def test_numbers_telephone_numbers_and_words_are_no_formulas(text: str) -> None:
    assert escape_formula(text) == text
    assert unescape_formula(text) == text


@given(st.text(alphabet="'=+-@\t\n1a ＝", max_size=6))
def test_an_escaped_text_is_read_as_it_was(text: str) -> None:
    assert unescape_formula(escape_formula(text)) == text
    assert not re.match(r"[=\t\r＝]", escape_formula(text))
