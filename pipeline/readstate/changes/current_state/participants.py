"""Read participants, which alone have the timestamp, and what a removal deletes."""

from collections.abc import AsyncIterator

import msgspec
from msgspec import Struct, field

from readstate.changes.current_state.partial_listing import list_wanted
from readstate.errors import ApiError, NotFound, Refused, TransportError
from readstate.model.membership import Unknown
from readstate.model.resources import Participant
from readstate.twilio.client import Reader
from readstate.twilio.http.request import list_participants
from readstate.twilio.lists.moving_list import MovingList


class ParticipantsQuery(Struct, frozen=True):
    """The participants of one conversation that lines ask about."""

    conversation_sid: str
    participant_sids: tuple[str, ...]


class ParticipantsResult(Struct):
    """What was found for each participant."""

    members: ParticipantsQuery
    found: dict[str, Participant | Unknown] = field(default_factory=dict)
    requests: int = 0


class _Page(msgspec.Struct):
    participants: list[Participant]


async def read_participants(reader: Reader, service_sid: str, members: ParticipantsQuery) -> ParticipantsResult:
    """Read the participants of *members*, by pages where several share a conversation. Raise `Refused`."""
    result = ParticipantsResult(members)
    left = set(members.participant_sids)
    if len(left) > 1:
        try:
            listed = await list_wanted(
                _pages(reader, service_sid, result),
                lambda participant: (participant.sid,),
                left,
                read_on=lambda so_far: so_far.paging_pays,
            )
        except Refused:
            raise
        except (ApiError, TransportError) as error:
            result.found = dict.fromkeys(left, Unknown(str(error)))
            return result
        result.found.update(listed.found)
        left = listed.wanted
    for participant_sid in sorted(left):
        result.requests += 1
        result.found[participant_sid] = await _fetched(reader, service_sid, members.conversation_sid, participant_sid)
    return result


async def _pages(reader: Reader, service_sid: str, result: ParticipantsResult) -> AsyncIterator[list[Participant]]:
    moving = MovingList(list_participants(service_sid, result.members.conversation_sid))
    while (response := await reader.next_page(moving)) is not None:
        result.requests += 1
        yield response.json(_Page).participants


async def _fetched(
    reader: Reader, service_sid: str, conversation_sid: str, participant_sid: str
) -> Participant | Unknown:
    try:
        return await reader.participant(service_sid, conversation_sid, participant_sid)
    except Refused:
        raise
    except NotFound:
        return Unknown("the participant left meanwhile")
    except (ApiError, TransportError) as error:
        return Unknown(str(error))
