import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from readstate.changes.current_state.decode import parse_timestamp
from readstate.changes.current_state.plan_rows import read_rows
from readstate.changes.rules.preconditions import Ready, check_precondition
from readstate.model.membership import Unknown
from readstate.simulator.seed.world_shape import WorldShape
from readstate.twilio.client import Reader
from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response
from tests.helpers.fake_clock import FakeClock
from tests.helpers.planning import NOW, SimulatedTransport, csv_of, make_plan
from tests.helpers.simulated_api import SimulatedApi


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


class WithoutOffset(SimulatedTransport):
    """Answers with timestamps that do not say their offset."""

    async def send(self, request: Request) -> Response:
        answer = await super().send(request)
        body = re.sub(rb'("last_read_timestamp":\s*"[^"]*)Z"', rb'\1"', answer.body)
        return Response(answer.status, answer.headers, body)


async def test_a_row_that_was_planned_by_a_timestamp_without_offset_may_be_applied(tmp_path: Path) -> None:
    simulated = SimulatedApi(WorldShape(users=50), now=NOW)
    transport, row = WithoutOffset(simulated), simulated.membership(horizon=True)
    line = {"user": row["user_sid"], "conversation": row["conversation_sid"]}

    planned = await make_plan(
        simulated,
        csv_of(line | {"last_read_timestamp": "2026-11-22T23:00:00Z"}),
        tmp_path,
        transport=transport,
        allow_rewind=True,
    )

    (update,) = planned.rows
    assert update.disposition == "update"
    observed = await read_rows(Reader(transport), simulated.service.sid, [update], FakeClock())
    assert check_precondition(update, observed[0].current) == Ready()
