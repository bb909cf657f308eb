from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.input import cells
from readstate.input.cells import BadCell
from readstate.model.ids import is_unsafe_in_path
from readstate.twilio.http.request import segment

US, CH = "US" + "a" * 32, "CH" + "b" * 32


@pytest.mark.parametrize("text", [US, "alice@example.com", "a/b", "a..b", "50%", "größe 😀", "007", "a b"])
def test_sids_and_identities_are_taken_as_they_are(text: str) -> None:
    assert cells.parse_user(text) == text


@pytest.mark.parametrize(
    ("parse", "text", "code"),
    [
        (cells.parse_user, "", "E-MISSING"),
        (cells.parse_user, ".", "E-DOT-SEGMENT"),
        (cells.parse_user, "..", "E-DOT-SEGMENT"),
        (cells.parse_user, "a\tb", "E-CONTROL"),
        (cells.parse_user, "a\x7f", "E-CONTROL"),
        (cells.parse_user, "a ", "E-WHITESPACE"),
        (cells.parse_user, "\u00a0a", "E-WHITESPACE"),
        (cells.parse_user, "a\u200b", "E-WHITESPACE"),
        (cells.parse_user, "“alice”", "E-SMART-QUOTES"),
        (cells.parse_user, CH, "E-SID-KIND"),
        (cells.parse_user, "MB" + "0" * 32, "E-SID-KIND"),
        (cells.parse_user, US[:-1], "E-SID-LENGTH"),
        (cells.parse_user, US + "0", "E-SID-LENGTH"),
        (cells.parse_user, "a" * 257, "E-TOO-LONG"),
        (cells.parse_user, "\u2003a", "E-WHITESPACE"),
        (cells.parse_user, "a\u3164", "E-WHITESPACE"),
        (cells.parse_user, "1.2E+05", "E-SCIENTIFIC"),
        (cells.parse_index_or_latest, "1.2E+05", "E-SCIENTIFIC"),
        (cells.parse_index_or_latest, "1,2e5", "E-SCIENTIFIC"),
        (cells.parse_index_or_latest, "12.0", "E-DECIMAL"),
        (cells.parse_index_or_latest, "12,00", "E-DECIMAL"),
        (cells.parse_index_or_latest, "1,204", "E-THOUSANDS"),
        (cells.parse_index_or_latest, "1 204 000", "E-THOUSANDS"),
        (cells.parse_index_or_latest, "3/4/26", "E-DATE"),
        (cells.parse_index_or_latest, "2026-11-23", "E-DATE"),
        (cells.parse_index_or_latest, "4-Mar", "E-DATE"),
        (cells.parse_index_or_latest, "-1", "E-INDEX"),
        (cells.parse_index_or_latest, "+1", "E-INDEX"),
        (cells.parse_index_or_latest, "٣", "E-INDEX"),
        (cells.parse_index_or_latest, "9" * 16, "E-INDEX"),
        (cells.parse_index_or_latest, " 1", "E-WHITESPACE"),
        (cells.parse_index_or_latest, "@newest", "E-INDEX"),
        (cells.parse_timestamp, "2026-11-23T18:02:00", "E-OFFSET"),
        (cells.parse_timestamp, "2026-13-23T18:02:00Z", "E-TIMESTAMP"),
        (cells.parse_timestamp, "2026-11-23T18:02:00+25", "E-TIMESTAMP"),
        (cells.parse_timestamp, "٢٠٢٦-11-23T18:02:00Z", "E-TIMESTAMP"),
        (cells.parse_timestamp, "2026-11-23T18:02:00Z\u00a0", "E-WHITESPACE"),
        (cells.parse_timestamp, "1795392000", "E-TIMESTAMP"),
        (cells.parse_timestamp, "3/4/2026 18:02", "E-DATE"),
        (cells.parse_timestamp, "2026-11-23", "E-TIMESTAMP"),
        (cells.parse_timestamp, "2026-11-23T18:02:00+5", "E-TIMESTAMP"),
        (cells.parse_timestamp, "4.6E+04", "E-DATE"),
        (cells.parse_timestamp, "yesterday", "E-TIMESTAMP"),
        (cells.parse_index, "@latest", "E-INDEX"),
        (cells.parse_conversation, US, "E-SID-KIND"),
        (cells.parse_level, "Muted", "E-LEVEL"),
        (cells.parse_level, "muted\u200b", "E-WHITESPACE"),
        (cells.parse_operation, "DELETE", "E-OP"),
        (cells.parse_operation, "update ", "E-WHITESPACE"),
    ],
)
def test_what_cannot_be_used_says_why_and_what_to_do(parse: Callable[[str], object], text: str, code: str) -> None:
    with pytest.raises(BadCell) as bad:
        parse(text)

    assert bad.value.code == code
    assert bad.value.hint
    assert bad.value.message


def test_an_index_is_a_number_or_the_newest_message() -> None:
    assert cells.parse_index_or_latest("0") == 0
    assert cells.parse_index_or_latest("@latest") == "@latest"


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T18:02:00Z", "2026-11-23t19:02:00+01:00", "2026-11-23 13:02:00-05:00", "2026-11-23T18:02:00.000z",
        "2026-11-23 18:02:00+00", "2026-11-23 23:32:00+0530", "2026-11-23 18:02:00.000 +0000",
        "2026-11-23 18:02:00 UTC", "2026-11-23 12:32:00-05:30",
    ],
)  # fmt: skip
def test_timestamps_come_in_utc(text: str) -> None:
    assert cells.parse_timestamp(text) == (datetime(2026, 11, 23, 18, 2, tzinfo=UTC), False)


def test_a_fraction_of_a_second_is_cut_off_and_said_so() -> None:
    assert cells.parse_timestamp("2026-11-23T18:02:59.999Z") == (datetime(2026, 11, 23, 18, 2, 59, tzinfo=UTC), True)


@pytest.mark.parametrize("word", ["\\N", "null", "NULL", "nan", "NaN", "None", "<NA>", "NaT", "#N/A", "(null)", "nil"])
def test_a_word_for_no_value_is_told_as_one_in_every_column(word: str) -> None:
    columns: list[tuple[Callable[[str], object], str]] = [
        (cells.parse_user, "E-NULL"),
        (cells.parse_conversation, "E-NULL"),
        (cells.parse_index_or_latest, "E-NULL-UNSUPPORTED"),
        (cells.parse_timestamp, "E-NULL-UNSUPPORTED"),
        (cells.parse_level, "E-NULL-UNSUPPORTED"),
    ]
    for parse, code in columns:
        with pytest.raises(BadCell, match="word for no value") as bad:
            parse(word)
        assert bad.value.code == code


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("0001-01-01T00:00:00Z", "zero of Go"),
        ("0001-01-01T00:00:00+14:00", "zero of Go"),
        ("0000-00-00 00:00:00Z", "zero of MySQL"),
        ("1970-01-01T00:00:00Z", "zero of Unix"),
        ("1969-12-31T19:00:00-05:00", "zero of Unix"),
        ("1899-12-30T00:00:00Z", "zero of a spreadsheet"),
        ("1904-01-01 00:00:00+00", "zero of a spreadsheet"),
        ("1601-01-01T00:00:00Z", "zero of Windows"),
        ("9999-12-31T23:59:59-01:00", "largest date"),
        ("1999-05-05T00:00:00Z", "before Twilio began"),
    ],
)
def test_a_never_is_no_time_of_reading(text: str, named: str) -> None:
    with pytest.raises(BadCell, match=named) as bad:
        cells.parse_timestamp(text)

    assert bad.value.code == "E-NEVER"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("anna\u00a0", r"ends with a no-break space \(U\+00A0\)"),
        ("\u200banna", r"begins with a zero width space \(U\+200B\)"),
        (" anna", r"begins with a space \(U\+0020\)"),
        ("an\tna", r"holds a tab \(U\+0009\)"),
        ("an\x1bna", r"holds a control character \(U\+001B\)"),
    ],
)
def test_a_blank_is_called_by_its_name(text: str, named: str) -> None:
    with pytest.raises(BadCell, match=named):
        cells.parse_user(text)


def test_decomposed_letters_are_doubted_and_composed_ones_are_not() -> None:
    assert [code for code, _, _ in cells.doubts_about("gro\u0308ße")] == ["W-DECOMPOSED"]
    assert not list(cells.doubts_about("größe 😀 名前"))


@given(st.text(max_size=40))
def test_an_id_is_refused_or_listed_or_is_one_segment_of_a_path(text: str) -> None:
    try:
        accepted = cells.parse_user(text)
    except BadCell:
        return

    if not is_unsafe_in_path(accepted):
        assert "/" not in segment(accepted)
        assert "." not in {segment(accepted), segment(accepted)[:1], segment(accepted)[-1:]}
        assert not set("/\\?#%;") & set(accepted)


@pytest.mark.parametrize("text", ["a/b", "a?b", "a#b", "%2e%2e", "..a", "a.", ".a", "a\\b", "a;b", "x..y"])
def test_what_could_bend_a_path_is_known(text: str) -> None:
    assert is_unsafe_in_path(text)


@pytest.mark.parametrize("text", ["alice@example.com", "a b", "größe", "+15551234567", "whatsapp:+1555", US])
def test_usual_identities_go_into_a_path(text: str) -> None:
    assert not is_unsafe_in_path(text)
