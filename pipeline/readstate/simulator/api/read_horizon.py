"""The read horizon of a membership: what an update form does to it, and what it leaves unread."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, cast

from readstate.model.resources import UNREAD_CAP
from readstate.simulator.api.behaviour import Behaviour
from readstate.simulator.api.responses import ApiError
from readstate.simulator.seed.message_indices import Messages
from readstate.simulator.seed.records import Conversation, NotificationLevel, Participant
from readstate.simulator.world.service import Service

_KNOWN: Final = frozenset({"NotificationLevel", "LastReadTimestamp", "LastReadMessageIndex"})
_LEVELS: Final = frozenset({"default", "muted"})
_INTEGER: Final = re.compile(r"-?[0-9]{1,18}")


def apply_update(
    participant: Participant, form: Mapping[str, str], *, messages: Messages, behaviour: Behaviour, now: int
) -> Participant:
    """Return *participant* with an update form applied. Raise `ApiError` as Twilio would."""
    if not _KNOWN & form.keys():
        if behaviour.empty_update == "reject":
            raise ApiError(400, 20161, "Parameters are not specified for update request")
        return participant
    if form == {"LastReadMessageIndex": ""} and behaviour.empty_index == "ignore":
        return participant
    new = participant._replace(date_updated=now)
    if "NotificationLevel" in form:
        new = new._replace(notification_level=_level(form["NotificationLevel"]))
    stamp = _timestamp(form["LastReadTimestamp"]) if "LastReadTimestamp" in form else None
    index = form.get("LastReadMessageIndex")
    if index is not None and (index or behaviour.empty_index != "ignore"):
        return _moved(new, _index(index, messages, behaviour), stamp, behaviour, now)
    if stamp is None:
        return new
    if behaviour.timestamp_alone == "reads_all":
        new = new._replace(last_read_message_index=messages.newest())
    return new._replace(last_read_timestamp=stamp)


def unread_messages_count(
    service: Service, conversation: Conversation, participant: Participant, behaviour: Behaviour, now: float
) -> int | None:
    """Return the number of messages above the read horizon; None where it was never set."""
    horizon = participant.last_read_message_index
    if service.overlay.lagging:
        until, before = service.overlay.lagging.get((conversation.number, participant.user), (0.0, None))
        horizon = before if now < until else horizon
    if horizon is None:
        return None
    if behaviour.own_messages == "not_counted":
        return _of_others(service, conversation, participant, horizon)
    return min(UNREAD_CAP, conversation.messages.count_after(horizon))


def _moved(new: Participant, index: int | None, stamp: int | None, behaviour: Behaviour, now: int) -> Participant:
    if index is None:
        return new._replace(last_read_message_index=None, last_read_timestamp=stamp)
    if stamp is None:
        stamp = now if behaviour.timestamp_with_index == "now" else new.last_read_timestamp
    return new._replace(last_read_message_index=index, last_read_timestamp=stamp)


def _level(text: str) -> NotificationLevel:
    if text not in _LEVELS:
        raise ApiError(400, 50210, "Invalid notification level")
    return cast("NotificationLevel", text)


def _index(text: str, messages: Messages, behaviour: Behaviour) -> int | None:
    error = ApiError(400, 50421, "Invalid last read message index format")
    clearing = {"": behaviour.empty_index, "null": behaviour.null_index}
    if text in clearing:
        if clearing[text] == "reject":
            raise error
        return None
    if not _INTEGER.fullmatch(text):
        raise error
    index = int(text)
    if index < 0 and behaviour.negative_index == "reject":
        raise error
    newest = messages.newest()
    if behaviour.index_beyond_newest == "reject" and index > (-1 if newest is None else newest):
        raise error
    return index


def _timestamp(text: str) -> int:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise ApiError(400, 50405, "Invalid last consumption timestamp format") from None
    if "T" not in text:
        raise ApiError(400, 50405, "Invalid last consumption timestamp format")
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())


def _of_others(service: Service, conversation: Conversation, participant: Participant, horizon: int) -> int:
    user = service.user(participant.user)
    own = user.identity if user else None
    count = 0
    for index in conversation.messages.ascending(horizon):
        count += service.message(conversation, index).author != own
        if count == UNREAD_CAP:
            break
    return count
