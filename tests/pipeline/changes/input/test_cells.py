from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.changes.input import cells
from readstate.changes.input.cells import BadCell
from readstate.model.ids import is_unsafe_in_path
from readstate.twilio.http.request import segment

US, CH = "US" + "a" * 32, "CH" + "b" * 32


def code_of(parse: object, text: str) -> str:
    with pytest.raises(BadCell) as bad:
        parse(text)  # type: ignore[operator]
    assert bad.value.hint
    assert bad.value.message
    return bad.value.code


@pytest.mark.parametrize("text", [US, "alice@example.com", "a/b", "a..b", "50%", "größe 😀", "007", "a b"])
def test_sids_and_identities_are_taken_as_they_are(text: str) -> None:
    assert cells.parse_user(text) == text


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "E-MISSING"),
        (".", "E-DOT-SEGMENT"),
        ("..", "E-DOT-SEGMENT"),
        ("a\tb", "E-CONTROL"),
        ("a\x7f", "E-CONTROL"),
        ("a ", "E-WHITESPACE"),
        ("\u00a0a", "E-WHITESPACE"),
        ("a\u200b", "E-WHITESPACE"),
        ("“alice”", "E-SMART-QUOTES"),
        (CH, "E-SID-KIND"),
        ("MB" + "0" * 32, "E-SID-KIND"),
        (US[:-1], "E-SID-LENGTH"),
        (US + "0", "E-SID-LENGTH"),
        ("a" * 257, "E-TOO-LONG"),
        ("\\N", "E-NULL-UNSUPPORTED"),
        ("null", "E-NULL-UNSUPPORTED"),
    ],
)
def test_what_cannot_be_a_user_says_why(text: str, code: str) -> None:
    assert code_of(cells.parse_user, text) == code


def test_a_swapped_column_is_recognised_on_both_sides() -> None:
    assert code_of(cells.parse_conversation, US) == "E-SID-KIND"
    assert cells.parse_conversation(CH) == CH


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1.2E+05", "E-SCIENTIFIC"),
        ("1,2e5", "E-SCIENTIFIC"),
        ("12.0", "E-DECIMAL"),
        ("12,00", "E-DECIMAL"),
        ("1,204", "E-THOUSANDS"),
        ("1 204 000", "E-THOUSANDS"),
        ("3/4/26", "E-DATE"),
        ("2026-11-23", "E-DATE"),
        ("4-Mar", "E-DATE"),
        ("-1", "E-INDEX"),
        ("+1", "E-INDEX"),
        ("٣", "E-INDEX"),
        ("9" * 16, "E-INDEX"),
        (" 1", "E-WHITESPACE"),
        ("@newest", "E-INDEX"),
        ("\\N", "E-NULL-UNSUPPORTED"),
    ],
)
def test_what_a_spreadsheet_made_of_a_number_is_named(text: str, code: str) -> None:
    assert code_of(cells.parse_index_or_latest, text) == code


def test_an_index_is_a_number_or_the_newest_message() -> None:
    assert cells.parse_index_or_latest("0") == 0
    assert cells.parse_index_or_latest("118") == 118
    assert cells.parse_index_or_latest("@latest") == "@latest"
    assert code_of(cells.parse_index, "@latest") == "E-INDEX"


@pytest.mark.parametrize(
    "text",
    ["2026-11-23T18:02:00Z", "2026-11-23t19:02:00+01:00", "2026-11-23 13:02:00-05:00", "2026-11-23T18:02:00.000z"],
)
def test_timestamps_come_in_utc(text: str) -> None:
    assert cells.parse_timestamp(text) == (datetime(2026, 11, 23, 18, 2, tzinfo=UTC), False)


def test_a_fraction_of_a_second_is_cut_off_and_said_so() -> None:
    assert cells.parse_timestamp("2026-11-23T18:02:59.999Z") == (datetime(2026, 11, 23, 18, 2, 59, tzinfo=UTC), True)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2026-11-23T18:02:00", "E-OFFSET"),
        ("2026-13-23T18:02:00Z", "E-TIMESTAMP"),
        ("0001-01-01T00:00:00+14:00", "E-TIMESTAMP"),
        ("3/4/2026 18:02", "E-DATE"),
        ("4.6E+04", "E-DATE"),
        ("yesterday", "E-TIMESTAMP"),
        ("\\N", "E-NULL-UNSUPPORTED"),
    ],
)
def test_what_is_no_timestamp_says_why(text: str, code: str) -> None:
    assert code_of(cells.parse_timestamp, text) == code


def test_levels_and_operations_are_written_in_lower_case() -> None:
    assert cells.parse_level("muted") == "muted"
    assert code_of(cells.parse_level, "Muted") == "E-LEVEL"
    assert code_of(cells.parse_level, "NULL") == "E-NULL-UNSUPPORTED"
    assert code_of(cells.parse_operation, "DELETE") == "E-OP"


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
