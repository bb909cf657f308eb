from datetime import UTC, datetime

import pytest

from readstate.changes.current_state.decode import parse_timestamp
from readstate.model.membership import Unknown


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        (None, None),
        ("2026-11-01T00:00:00Z", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T02:00:00+02:00", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T00:00:00", datetime(2026, 11, 1, tzinfo=UTC)),
        ("yesterday", Unknown("last_read_timestamp is 'yesterday'")),
    ],
)
def test_a_timestamp_is_in_utc_never_set_or_unknown(text: str | None, moment: datetime | Unknown | None) -> None:
    assert parse_timestamp(text) == moment
