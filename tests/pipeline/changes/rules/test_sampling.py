import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.changes.rules.sampling import is_sampled


@given(share=st.sampled_from([0.0, 0.01, 0.1, 0.5, 1.0]))
def test_a_sample_has_its_size_wherever_it_is_taken(share: float) -> None:
    for begin in (0, 10_000, 123_456):
        taken = sum(is_sampled(number, share) for number in range(begin, begin + 10_000))
        assert taken == pytest.approx(share * 10_000, abs=60)
