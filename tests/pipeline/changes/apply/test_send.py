from datetime import UTC, datetime

from msgspec import structs

from readstate.changes.apply.send import SentWrite, request_for, send
from readstate.changes.rules.answers import Answered, Late, Lost, NeverSent
from readstate.errors import NotSent, TooLate, Unanswered
from readstate.twilio.client import Writer
from tests.helpers.plans import plan_row
from tests.helpers.scripted_transport import ScriptedTransport, answer

SERVICE = "IS" + "2" * 32


async def test_a_write_that_was_not_sent_is_told_from_one_that_may_have_arrived() -> None:
    request = request_for(SERVICE, plan_row(1), leave_by=1.0)
    steps = (NotSent("refused"), TooLate("too late"), Unanswered("reset"), answer(200, b"<html>"))
    writer = Writer(ScriptedTransport(*steps))

    assert request.leave_by == 1.0
    assert await send(writer, request) == SentWrite(NeverSent("refused"))
    assert await send(writer, request) == SentWrite(Late())
    assert await send(writer, request) == SentWrite(Lost("reset"))
    assert await send(writer, request) == SentWrite(Answered(status=200), "RQ" + "0" * 32)


async def test_refusals_of_a_write_with_429_are_counted_whatever_came_of_it() -> None:
    request = request_for(SERVICE, plan_row(1), leave_by=1.0)
    late = TooLate("too late")
    late.throttled = 2
    writer = Writer(ScriptedTransport(late, structs.replace(answer(204), throttled=3)))

    assert [(await send(writer, request)).throttled for _ in range(2)] == [2, 3]


def test_a_time_before_the_year_1000_leaves_with_four_digits() -> None:
    row = plan_row(1, set_timestamp=datetime(1, 1, 1, tzinfo=UTC))

    assert ("LastReadTimestamp", "0001-01-01T00:00:00Z") in request_for(SERVICE, row, leave_by=1.0).form
