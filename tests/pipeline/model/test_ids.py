import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.model.ids import is_sid, kind_of_id

PREFIXES = st.sampled_from(["AC", "SK", "IS", "US", "CH", "MB"])


@given(PREFIXES, st.text("0123456789abcdefABCDEF", min_size=32, max_size=32))
def test_a_prefix_and_32_hex_digits_are_a_sid(prefix: str, digits: str) -> None:
    assert is_sid(prefix + digits, prefix)


@given(PREFIXES, st.text(min_size=1))
def test_anything_more_is_not(prefix: str, more: str) -> None:
    sid = prefix + "0" * 32

    assert not is_sid(sid + more, prefix)
    assert not is_sid(more + sid, prefix)


@pytest.mark.parametrize(
    "text", ["", "US", "US" + "0" * 31, "us" + "0" * 32, "US" + "g" * 32, "CH" + "0" * 32, "US" + "٣" * 32]
)
def test_anything_less_or_else_is_not(text: str) -> None:
    assert not is_sid(text, "US")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("p-0123456789ab", "plan"),
        ("r-20261123T140000Z-ab12", "run"),
        ("p-0123456789abc", None),
        ("plans/p-0123456789ab", None),
        ("r-٢٠261123T140000Z-ab12", None),
        ("nightly", None),
        ("", None),
    ],
)
def test_plans_and_runs_are_told_apart_by_their_ids(text: str, kind: str | None) -> None:
    assert kind_of_id(text) == kind
