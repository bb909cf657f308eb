"""A retention rule never removes the newest snapshot."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from readstate.snapshot.published.retention import KeepDays, KeepNewest, expired

TODAY = date(2026, 11, 23)
days = st.lists(st.integers(0, 400).map(lambda ago: TODAY - timedelta(days=ago)), unique=True)


@given(days, st.integers(1, 20))
def test_the_newest_are_kept_whatever_their_age(dates: list[date], count: int) -> None:
    kept = set(dates) - set(expired(dates, KeepNewest(count), today=TODAY))

    assert kept == set(sorted(dates)[-count:])


@given(days, st.integers(1, 400))
def test_old_ones_go_but_the_newest_stays(dates: list[date], age: int) -> None:
    gone = expired(dates, KeepDays(age), today=TODAY)

    assert all((TODAY - day).days >= age for day in gone)
    assert not dates or max(dates) not in gone
    assert all((TODAY - day).days < age or day == max(dates) for day in set(dates) - set(gone))
