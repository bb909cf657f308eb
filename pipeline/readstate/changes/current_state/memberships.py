"""Read the memberships that a user's lines name, with the fewest requests."""

from collections.abc import AsyncIterator, Mapping

import msgspec
from msgspec import Struct, field

from readstate.changes.current_state.partial_listing import Listed, list_wanted
from readstate.errors import ApiError, NotFound, Refused, TransportError
from readstate.model.change import Reason
from readstate.model.ids import is_sid, is_unsafe_in_path
from readstate.model.membership import Absent, Unreadable
from readstate.model.resources import UserConversation
from readstate.twilio.client import Reader


class UserLines(Struct, frozen=True):
    """The memberships that the lines of one user name."""

    user_id: str
    """A user SID, or an identity that is safe in a path."""
    conversations: Mapping[str, int]
    """As written, each with the number of its line."""
    delete_count: int = 0


class FetchedMembership(Struct, frozen=True):
    """One membership as read."""

    row: UserConversation
    source: str
    """``fetch`` or ``list``."""


ReadResult = FetchedMembership | Absent | Unreadable


class UserMemberships(Struct):
    """What was found for each conversation that a user's lines name."""

    lines: UserLines
    found: dict[str, ReadResult] = field(default_factory=dict)
    requests: int = 0
    conversations: int = 0
    """How many the user has, or, where not all were listed, at least has."""


class _Page(msgspec.Struct):
    conversations: list[UserConversation]


async def read_user(reader: Reader, service_sid: str, lines: UserLines) -> UserMemberships:
    """Read what *lines* name; a failure is recorded in the place of its row. Raise `Refused`."""
    result = UserMemberships(lines)
    left: set[str] = set(lines.conversations)
    if len(left) > 1 or lines.delete_count or any(map(is_unsafe_in_path, left)):
        try:
            listed = await list_wanted(
                _pages(reader, service_sid, result),
                _names,
                left,
                read_on=lambda so_far: _should_read_on(so_far, lines),
            )
        except Refused:
            raise
        except NotFound:
            return _all(result, Absent(Reason.USER_NOT_FOUND))
        except (ApiError, TransportError) as error:
            return _all(result, Unreadable(str(error)))
        result.conversations = len(listed.seen)
        for name, row in listed.found.items():
            result.found[name] = _checked(row, lines, service_sid, source="list")
        left = _still_to_fetch(listed, result)
    for conversation in sorted(left):
        result.requests += 1
        result.found[conversation] = await _fetched(reader, service_sid, lines, conversation)
    return result


def user_not_found(lines: UserLines) -> UserMemberships:
    """Return the result for a user that the list of users does not have."""
    return UserMemberships(lines, dict.fromkeys(lines.conversations, Absent(Reason.USER_NOT_FOUND)))


async def _pages(reader: Reader, service_sid: str, result: UserMemberships) -> AsyncIterator[list[UserConversation]]:
    moving = reader.user_conversations(service_sid, result.lines.user_id)
    while (response := await reader.next_page(moving)) is not None:
        result.requests += 1
        yield response.json(_Page).conversations


def _names(row: UserConversation) -> list[str]:
    return [name for name in (row.conversation_sid, row.unique_name) if name is not None]


def _should_read_on(listed: Listed[UserConversation], lines: UserLines) -> bool:
    """Whether to list another page: for the rows, for names that fit in no path, or to know what the user has left."""
    # The guard against wiping out users asks whether a user loses more than half: twice the removals is enough to know.
    enough = max(2 * lines.delete_count, lines.delete_count + 1) if lines.delete_count else 0
    return listed.paging_pays or len(listed.seen) < enough or any(map(is_unsafe_in_path, listed.wanted))


def _still_to_fetch(listed: Listed[UserConversation], result: UserMemberships) -> set[str]:
    """Return what the list did not show and needs a request of its own; the rest is absent."""
    # Lists shift between pages: only a list of one page proves that a row is absent.
    certain = listed.complete and listed.pages <= 1
    left = {name for name in listed.wanted if not certain and not is_unsafe_in_path(name)}
    for name in listed.wanted - left:
        result.found[name] = Absent(Reason.NOT_A_MEMBER)
    return left


async def _fetched(reader: Reader, service_sid: str, lines: UserLines, conversation: str) -> ReadResult:
    try:
        row = await reader.user_conversation(service_sid, lines.user_id, conversation)
    except Refused:
        raise
    except NotFound:
        return Absent(Reason.NOT_A_MEMBER)
    except (ApiError, TransportError) as error:
        return Unreadable(str(error))
    return _checked(row, lines, service_sid, source="fetch")


def _checked(
    row: UserConversation, lines: UserLines, service_sid: str, *, source: str
) -> FetchedMembership | Unreadable:
    """Return *row* only where it names what was asked for."""
    # Changes are sent to the SIDs of this answer: a wrong one would change another user.
    if row.user_sid is None or not is_sid(row.user_sid, "US"):
        return Unreadable("the answer names no user")
    if row.conversation_sid is None or not is_sid(row.conversation_sid, "CH"):
        return Unreadable("the answer names no conversation")
    if is_sid(lines.user_id, "US") and row.user_sid != lines.user_id:
        return Unreadable(f"the answer is about another user, {row.user_sid}")
    if row.chat_service_sid not in {None, service_sid}:
        return Unreadable(f"the answer is about another service, {row.chat_service_sid}")
    return FetchedMembership(row, source)


def _all(result: UserMemberships, answer: Absent | Unreadable) -> UserMemberships:
    result.requests = max(1, result.requests)
    result.found = dict.fromkeys(result.lines.conversations, answer)
    return result
