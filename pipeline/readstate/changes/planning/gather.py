"""Read the current state for all lines: memberships, then newest messages and participants where they decide."""

from datetime import datetime
from itertools import islice

from readstate.changes.current_state.batches import read_in_batches
from readstate.changes.current_state.identities import resolve_by_listing
from readstate.changes.current_state.memberships import UserLines, UserMemberships, read_user, user_not_found
from readstate.changes.current_state.participants import ParticipantsQuery, ParticipantsResult, read_participants
from readstate.changes.input.lint import duplicate_problem
from readstate.changes.planning.options import PlanOptions
from readstate.changes.planning.workspace import PlanWorkspace
from readstate.errors import ApiError, BadInput, Refused, TransportError
from readstate.events import Message, RosterComplete, UserRead
from readstate.input.table import OnProblem
from readstate.model.ids import is_unsafe_in_path
from readstate.model.membership import Unknown
from readstate.text import group_digits, pluralize
from readstate.twilio.read_context import ReadContext

MOST_LISTED = 200_000
"""Identities that are searched for in the list of all users, and wait in memory for it."""


async def read_current(workspace: PlanWorkspace, options: PlanOptions, context: ReadContext, report: OnProblem) -> int:
    """Fill *workspace* and return the number of requests; duplicate lines go to *report*.

    Raise `Stopped`, `Refused` where the credentials may not read, and `BadInput` for too many unsafe identities.
    """
    # In this order: memberships say which conversations a horizon would move in, and which participants are meant.
    return sum(
        [
            await _read_users(workspace, context),
            await read_newest(workspace, options, context),
            await _read_members(workspace, options, context, report),
        ]
    )


async def _read_users(workspace: PlanWorkspace, context: ReadContext) -> int:
    odd, users = list(islice(workspace.users_to_list(), MOST_LISTED + 1)), workspace.users()
    if len(odd) > MOST_LISTED:
        raise BadInput(
            f"more than {group_digits(MOST_LISTED)} identities are unsafe in a URL path",
            hint="Name those users by SID.",
        )
    context.emit(Message(f"The lines name {pluralize(users, 'user')}: planning takes at least one request for each."))
    if odd:
        context.emit(
            Message(f"{len(odd)} identities are unsafe in a URL path: searching the list of all users for them.")
        )
    listed = await resolve_by_listing(odd, context)

    async def read(lines: UserLines) -> tuple[UserMemberships, datetime]:
        if is_unsafe_in_path(lines.user_id):
            return user_not_found(lines), context.clock.now()
        return await read_user(context.reader, context.service_sid, lines), context.clock.now()

    def keep(results: list[tuple[UserMemberships, datetime]]) -> int:
        workspace.add_users(results)
        for result, _ in results:
            context.emit(UserRead(result.lines.user_id, len(result.found), result.requests))
        return sum(result.requests for result, _ in results)

    context.emit(RosterComplete(users))
    return listed.requests + await read_in_batches(read, workspace.user_lines(listed.sids), keep, context)


async def read_newest(workspace: PlanWorkspace, options: PlanOptions, context: ReadContext) -> int:
    """Read the newest message once for each conversation where it decides; return the number of requests."""

    async def read(conversation_sid: str) -> tuple[str, int | Unknown | None]:
        try:
            return conversation_sid, await context.reader.newest_message_index(context.service_sid, conversation_sid)
        except Refused:
            raise
        except (ApiError, TransportError) as error:
            return conversation_sid, Unknown(str(error))

    def keep(newest: list[tuple[str, int | Unknown | None]]) -> int:
        workspace.add_newest(newest)
        return len(newest)

    context.emit(Message("Reading the newest message of each conversation in which a read horizon would move."))
    conversations = workspace.conversations_wanting_newest(
        first_set=options.allow_first_set, beyond_latest=options.allow_beyond_latest
    )
    return await read_in_batches(read, conversations, keep, context)


async def _read_members(workspace: PlanWorkspace, options: PlanOptions, context: ReadContext, report: OnProblem) -> int:
    async def read(members: ParticipantsQuery) -> ParticipantsResult:
        return await read_participants(context.reader, context.service_sid, members)

    def keep(results: list[ParticipantsResult]) -> int:
        workspace.add_members(results)
        return sum(result.requests for result in results)

    # Only now does every line have SIDs, which show that different names are one membership.
    for duplicate in workspace.find_duplicates_by_sid():
        report(duplicate_problem(duplicate))
    context.emit(Message("Reading the participants that timestamps and removals need."))
    return await read_in_batches(read, workspace.members(closed=options.allow_closed), keep, context)
