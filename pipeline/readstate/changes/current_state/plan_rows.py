"""Read the memberships of plan rows: before they are written, and after, with the fewest requests."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TypeVar

from msgspec import Struct

from readstate.changes.current_state.batches import read_each
from readstate.changes.current_state.decode import to_present, with_participant
from readstate.changes.current_state.memberships import FetchedMembership, ReadResult, UserLines, read_user
from readstate.clock import Clock
from readstate.errors import ApiError, NotFound, Refused, TransportError
from readstate.model.change import Fields, Reason
from readstate.model.membership import Absent, Current, Present, Unreadable
from readstate.model.plan import PlanRow
from readstate.twilio.client import Reader
from readstate.twilio.read_context import ReadContext

Companion = TypeVar("Companion")


class Observation(Struct, frozen=True):
    """One membership as read, and when."""

    current: Current
    at: datetime
    asked: float
    """By the monotonic clock, before the request was sent: earlier changes of others are certainly included."""
    answered: float
    """By the monotonic clock, when the response had arrived."""


@asynccontextmanager
async def read_each_row(
    rows: Iterable[tuple[PlanRow, Companion]], context: ReadContext
) -> AsyncIterator[AsyncIterator[tuple[PlanRow, Companion, Observation]]]:
    """Read *rows* for as long as the block lasts, in no order; each result comes with its row's companion.

    Raise `Stopped`, and `NotPermitted`.
    """

    async def read(pair: tuple[PlanRow, Companion]) -> tuple[PlanRow, Companion, Observation]:
        row, companion = pair
        observations = await read_rows(context.reader, context.service_sid, [row], context.clock)
        return row, companion, observations[row.plan_row_id]

    async with read_each(read, rows, context) as results:
        yield results


async def read_rows(
    reader: Reader, service_sid: str, rows: Sequence[PlanRow], clock: Clock
) -> Mapping[int, Observation]:
    """Read the memberships of *rows*, all of one user; return them by plan_row_id. Raise `Refused`.

    One page of the user's list may serve many rows; a row that sets a timestamp takes one request more.
    """
    user_sid = rows[0].user_sid
    assert user_sid is not None
    lines = UserLines(
        user_id=user_sid,
        conversations={row.conversation_sid: row.plan_row_id for row in rows if row.conversation_sid is not None},
    )
    asked = clock.monotonic()
    reading = await read_user(reader, service_sid, lines)
    at, answered = clock.now(), clock.monotonic()
    seen: dict[int, Observation] = {}
    for row in rows:
        current = _current(reading.found.get(row.conversation_sid or "", Unreadable("it was not read")), row)
        if isinstance(current, Present) and Fields.TIMESTAMP in Fields(row.fields_mask):
            current = await _with_timestamp(reader, service_sid, current)
        seen[row.plan_row_id] = Observation(current, at, asked, answered)
    return seen


def _current(found: ReadResult, row: PlanRow) -> Current:
    match found:
        case FetchedMembership(row=shown) if shown.conversation_sid == row.conversation_sid:
            return to_present(shown) or Unreadable("the answer names no membership")
        case FetchedMembership():
            return Unreadable("the answer is about another conversation")
        case Absent() | Unreadable():
            return found


async def _with_timestamp(reader: Reader, service_sid: str, current: Present) -> Current:
    """Return *current* with the timestamp, which only the participant has."""
    if current.participant_sid is None:
        return Unreadable("the answer names no participant")
    try:
        participant = await reader.participant(service_sid, current.conversation_sid, current.participant_sid)
    except Refused:
        raise
    except NotFound:
        return Absent(Reason.NOT_A_MEMBER)
    except (ApiError, TransportError) as error:
        return Unreadable(str(error))
    return with_participant(current, participant)
