from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from readstate.changes.plans.schema import to_batch, to_rows
from readstate.model.plan import PlanRow
from tests.helpers.plans import plan_row

texts = st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=6))
numbers = st.one_of(st.none(), st.integers(0, 2**62))
moments = st.one_of(st.none(), st.datetimes(datetime(1960, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
rows = st.lists(
    st.builds(
        lambda text, index, moment: replace(plan_row(0), note=text, before_index=index, before_timestamp=moment),
        texts,
        numbers,
        moments,
    ),
    max_size=6,
)


@given(rows)
def test_rows_come_back_as_they_were(some: list[PlanRow]) -> None:
    assert list(to_rows(to_batch(some))) == some
