"""JSON from elsewhere: what no parser ever sees, and text that is repaired."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.foreign_json import MAX_DEPTH, MAX_VALUES, UnusableJson, decode_json, repair_text, require_bounded

documents = st.recursive(
    st.none() | st.integers() | st.text() | st.sampled_from(['"', "\\", '[{"', "}],"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


class TestBounds:
    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "deeper"),
            (b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1), "deeper"),
            (b"[" * 1_000_000, "more than"),
            (b'[{"deep":' * 500, "deeper"),
            (b"[" + b"{}," * MAX_VALUES + b"{}]", "more than"),
            (b"[" + b"1," * MAX_VALUES + b"1]", "more than"),
        ],
        ids=["lists", "objects", "never closed", "mixed, never closed", "empty rows", "numbers"],
    )
    def test_what_is_too_deep_or_too_much_reaches_no_parser(self, content: bytes, reason: str) -> None:
        with pytest.raises(UnusableJson, match=reason):
            decode_json(content, Any)

    @pytest.mark.parametrize(
        "content",
        [
            b"[" * MAX_DEPTH + b"]" * MAX_DEPTH,
            json.dumps(["[" * 5_000, "]{" * 5_000, "," * MAX_VALUES, '\\"[' * 2_000]).encode(),
            json.dumps([[]] * 5_000).encode(),
        ],
        ids=["as deep as allowed", "brackets and commas in text", "many beside each other"],
    )
    def test_what_is_within_the_bounds_is_decoded(self, content: bytes) -> None:
        assert decode_json(content, Any) == json.loads(content)

    @given(documents)
    def test_no_ordinary_document_is_refused(self, document: object) -> None:
        require_bounded(json.dumps([document] * 300, ensure_ascii=False).encode("utf-8", "replace"))

    @given(st.binary() | st.text(alphabet='[]{},"\\').map(str.encode))
    def test_what_is_no_json_is_left_to_the_parser(self, content: bytes) -> None:
        require_bounded(content * 100 if len(content) < 3 else content)


class TestRepairText:
    @pytest.mark.parametrize(
        ("content", "text"),
        [
            (rb'"cut \ud83d"', "cut \ufffd"),
            (rb'"\udE00 cut"', "\ufffd cut"),
            (rb'"\ud83d\ud83d\ude00"', "\ufffd\U0001f600"),
            (rb'"\\ud83d"', r"\ud83d"),
            (b'"\xed\xa0\xbd"', "\ufffd\ufffd\ufffd"),
            (b'\xef\xbb\xbf"a\xff"', "a\ufffd"),
        ],
    )
    def test_what_is_not_unicode_becomes_the_replacement_character(self, content: bytes, text: str) -> None:
        assert json.loads(repair_text(content)) == text

    @given(documents, st.booleans())
    def test_unicode_stays_as_it_is(self, document: object, ascii_only: bool) -> None:
        content = json.dumps(document, ensure_ascii=ascii_only).encode()

        assert repair_text(content) == content
