from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.changes.input import cells
from readstate.changes.input.cells import BadCell
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
        (cells.parse_user, "\\N", "E-NULL-UNSUPPORTED"),
        (cells.parse_user, "null", "E-NULL-UNSUPPORTED"),
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
        (cells.parse_index_or_latest, "\\N", "E-NULL-UNSUPPORTED"),
        (cells.parse_timestamp, "2026-11-23T18:02:00", "E-OFFSET"),
        (cells.parse_timestamp, "2026-13-23T18:02:00Z", "E-TIMESTAMP"),
        (cells.parse_timestamp, "0001-01-01T00:00:00+14:00", "E-TIMESTAMP"),
        (cells.parse_timestamp, "3/4/2026 18:02", "E-DATE"),
        (cells.parse_timestamp, "4.6E+04", "E-DATE"),
        (cells.parse_timestamp, "yesterday", "E-TIMESTAMP"),
        (cells.parse_timestamp, "\\N", "E-NULL-UNSUPPORTED"),
        (cells.parse_index, "@latest", "E-INDEX"),
        (cells.parse_conversation, US, "E-SID-KIND"),
        (cells.parse_level, "Muted", "E-LEVEL"),
        (cells.parse_level, "NULL", "E-NULL-UNSUPPORTED"),
        (cells.parse_operation, "DELETE", "E-OP"),
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
    ["2026-11-23T18:02:00Z", "2026-11-23t19:02:00+01:00", "2026-11-23 13:02:00-05:00", "2026-11-23T18:02:00.000z"],
)
def test_timestamps_come_in_utc(text: str) -> None:
    assert cells.parse_timestamp(text) == (datetime(2026, 11, 23, 18, 2, tzinfo=UTC), False)


def test_a_fraction_of_a_second_is_cut_off_and_said_so() -> None:
    assert cells.parse_timestamp("2026-11-23T18:02:59.999Z") == (datetime(2026, 11, 23, 18, 2, 59, tzinfo=UTC), True)


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
