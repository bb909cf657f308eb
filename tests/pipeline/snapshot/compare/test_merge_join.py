"""A merge join pairs two sorted streams by key, wherever their tables end."""

from collections.abc import Iterator
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.errors import BadInput
from readstate.snapshot.compare.merge_join import SORT_KEY, merge_join, with_sort_key

KEYS = st.sets(st.text("abc", min_size=1, max_size=3)).map(sorted)
CUTS = st.lists(st.integers(0, 12), max_size=4)


def stream(keys: list[str], cuts: list[int]) -> Iterator[pa.Table]:
    """Yield tables that end at *cuts*; some are empty."""
    for start, end in pairwise([0, *sorted(cuts), max([len(keys), *cuts])]):
        yield with_sort_key(pa.table({"sid": pa.array(keys[start:end], pa.string())}), ["sid"])


def keys_of(table: pa.Table) -> list[str]:
    keys: list[str] = table[SORT_KEY].to_pylist()
    return keys


@given(before=KEYS, after=KEYS, cuts=CUTS, other_cuts=CUTS)
def test_pairs_hold_the_same_range_of_keys_and_lose_no_row(
    before: list[str], after: list[str], cuts: list[int], other_cuts: list[int]
) -> None:
    pairs = [(keys_of(old), keys_of(new)) for old, new in merge_join(stream(before, cuts), stream(after, other_cuts))]

    assert [key for old, _ in pairs for key in old] == before
    assert [key for _, new in pairs for key in new] == after
    for earlier, later in pairwise(pairs):
        assert max([*earlier[0], *earlier[1]]) < min([*later[0], *later[1]])


@pytest.mark.parametrize("cuts", [[], [1]], ids=["within a table", "from one table to the next"])
def test_a_stream_that_is_not_sorted_is_refused(cuts: list[int]) -> None:
    with pytest.raises(BadInput, match="not sorted"):
        list(merge_join(stream(["b", "a"], cuts), stream([], [])))


def test_the_sort_key_sorts_as_its_columns_do() -> None:
    rows = pa.table({"service": ["IS1", "IS1", "IS10"], "user": ["US1", "US10", "US0"]})

    assert keys_of(with_sort_key(rows, ["service", "user"])) == sorted(
        keys_of(with_sort_key(rows, ["service", "user"]))
    )
