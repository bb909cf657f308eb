"""Read what all lines of a file need to know, many users at once: first memberships, then what they call for."""

from dataclasses import dataclass
from datetime import datetime

from readstate.changes.current_state.batches import read_in_batches
from readstate.changes.current_state.identities import resolve_by_listing
from readstate.changes.current_state.memberships import UserLines, UserResult, read_user, user_not_found
from readstate.changes.current_state.participants import ParticipantsQuery, ParticipantsResult, read_participants
from readstate.changes.input.csv_reader import OnProblem
from readstate.changes.input.lint import duplicate_problem
from readstate.changes.planning.options import PlanOptions
from readstate.changes.planning.workspace import PlanWorkspace
from readstate.errors import ApiError, Refused, TransportError
from readstate.events import Message, RosterComplete, UserRead
from readstate.model.ids import is_unsafe_in_path
from readstate.model.membership import Unknown
from readstate.twilio.read_context import ReadContext


async def read_current(readings: PlanWorkspace, options: PlanOptions, context: ReadContext, report: OnProblem) -> int:
    """Fill *readings* and give the number of requests that took; lines that repeat each other go to *report*.

    Raises `Stopped` where somebody asked, and `Refused` where the credentials may not read.
    """
    return sum(
        [
            await _read_users(readings, context),
            await read_newest(readings, options, context),
            await _read_members(readings, options, context, report),
        ]
    )


async def _read_users(readings: PlanWorkspace, context: ReadContext) -> int:
    odd, users = list(readings.users_to_list()), readings.users()
    context.emit(Message(f"The lines name {users} users: planning takes at least as many requests."))
    if odd:
        context.emit(Message(f"{len(odd)} identities cannot be in a path: looking for them in the list of all users."))
    listed = await resolve_by_listing(odd, context)
    tally = _Tally(listed.requests)

    async def read(lines: UserLines) -> tuple[UserResult, datetime]:
        if is_unsafe_in_path(lines.user_id):
            return user_not_found(lines), context.clock.now()
        return await read_user(context.reader, context.service_sid, lines), context.clock.now()

    def keep(readings_of_users: list[tuple[UserResult, datetime]]) -> None:
        readings.add_users(readings_of_users)
        for reading, _ in readings_of_users:
            context.emit(UserRead(reading.lines.user_id, len(reading.found), reading.requests))
        tally.requests += sum(reading.requests for reading, _ in readings_of_users)

    context.emit(RosterComplete(users))
    await read_in_batches(read, readings.user_lines(listed.sids), keep, context)
    return tally.requests


async def read_newest(readings: PlanWorkspace, options: PlanOptions, context: ReadContext) -> int:
    """Read the newest message of each conversation whose lines want it, once, and give the number of requests."""
    tally = _Tally()

    async def read(conversation_sid: str) -> tuple[str, int | Unknown | None]:
        try:
            return conversation_sid, await context.reader.newest_message_index(context.service_sid, conversation_sid)
        except Refused:
            raise
        except (ApiError, TransportError) as error:
            return conversation_sid, Unknown(str(error))

    def keep(newest: list[tuple[str, int | Unknown | None]]) -> None:
        readings.add_newest(newest)
        tally.requests += len(newest)

    context.emit(Message("Reading the newest message of each conversation that a read horizon would move in."))
    conversations = readings.conversations_wanting_newest(
        first_set=options.allow_first_set, beyond_latest=options.allow_beyond_latest
    )
    await read_in_batches(read, conversations, keep, context)
    return tally.requests


async def _read_members(readings: PlanWorkspace, options: PlanOptions, context: ReadContext, report: OnProblem) -> int:
    tally = _Tally()

    async def read(members: ParticipantsQuery) -> ParticipantsResult:
        return await read_participants(context.reader, context.service_sid, members)

    def keep(members: list[ParticipantsResult]) -> None:
        readings.add_members(members)
        tally.requests += sum(reading.requests for reading in members)

    # Now that every line has SIDs, lines that name one membership by different words are found out.
    for duplicate in readings.find_duplicates_by_sid():
        report(duplicate_problem(duplicate))
    context.emit(Message("Reading the participants that timestamps and removals need."))
    await read_in_batches(read, readings.members(closed=options.allow_closed), keep, context)
    return tally.requests


@dataclass(slots=True)
class _Tally:
    requests: int = 0
