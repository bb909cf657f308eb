from hypothesis import given
from hypothesis import strategies as st

from readstate.changes.apply.latency import parallel_rows


@given(rate=st.floats(0.1, 500), seconds=st.floats(0, 5), maximum=st.integers(1, 500))
def test_enough_rows_are_under_way_to_keep_the_rate_and_hardly_more(rate: float, seconds: float, maximum: int) -> None:
    rows = parallel_rows(rate, seconds, maximum=maximum)

    assert rows <= maximum
    assert rows >= min(maximum, rate * seconds)
    assert rows <= max(4, 1.1 * rate * (seconds + 0.01) + 2)
