from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.twilio.shared_pace.fair_share import fair_shares, round_shares

NAMES = st.sampled_from("abcdefgh")
AMOUNTS = st.floats(0, 1000)


@given(st.floats(0, 1e6), st.dictionaries(NAMES, st.tuples(AMOUNTS, AMOUNTS), min_size=1))
def test_shares_never_sum_above_the_limit_nor_exceed_what_a_member_may_have(account_value, wanted) -> None:
    needs = {name: need for name, (need, _) in wanted.items()}
    most = {name: most for name, (_, most) in wanted.items()}

    parts = fair_shares(account_value, needs, most)

    assert sum(parts.values()) <= account_value * (1 + 1e-9)
    assert all(0 <= parts[name] <= most[name] * (1 + 1e-9) for name in parts)


@given(st.floats(0, 1e6), st.dictionaries(NAMES, st.tuples(AMOUNTS, AMOUNTS), min_size=1))
def test_nothing_is_left_while_a_member_may_have_more(account_value, wanted) -> None:
    parts = fair_shares(
        account_value, {n: need for n, (need, _) in wanted.items()}, {n: most for n, (_, most) in wanted.items()}
    )

    assert sum(parts.values()) == pytest.approx(min(account_value, sum(most for _, most in wanted.values())))


@given(st.floats(1, 1e5), st.dictionaries(NAMES, AMOUNTS, min_size=2))
def test_no_member_gets_less_than_another_that_needs_no_more(account_value, needs) -> None:
    parts = fair_shares(account_value, needs, dict.fromkeys(needs, 1e9))

    for one, need in needs.items():
        for other in needs:
            assert parts[one] >= min(need, parts[other]) - 1e-6 * account_value


def test_shares_follow_need_and_not_the_number_of_members() -> None:
    assert fair_shares(90, {"a": 10, "b": 500, "c": 500}, dict.fromkeys("abc", 500)) == {"a": 10, "b": 40, "c": 40}


def test_what_no_member_needs_is_spread_evenly() -> None:
    assert fair_shares(90, {"a": 10, "b": 20}, {"a": 500, "b": 500}) == {"a": 40, "b": 50}


@given(st.dictionaries(NAMES, st.floats(1, 500), min_size=1))
def test_rounded_shares_sum_to_the_rounded_sum(parts) -> None:
    rounded = round_shares(parts)

    assert all(part == int(part) and abs(part - parts[name]) < 1 + 1e-6 for name, part in rounded.items())
    assert sum(rounded.values()) in {floor(sum(parts.values()) + 1e-9), floor(sum(parts.values()) - 1e-9)}


def test_shares_below_one_stay_as_they_are() -> None:
    assert round_shares({"a": 0.4, "b": 2.5}) == {"a": 0.4, "b": 2.5}
