"""What an update form does to a membership: one state, reached through two doors of the API."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, cast

from readstate.simulator.api.behaviour import Behaviour
from readstate.simulator.api.responses import Refusal
from readstate.simulator.seed.message_indices import Messages
from readstate.simulator.seed.records import NotificationLevel, Participant

_KNOWN: Final = frozenset({"NotificationLevel", "LastReadTimestamp", "LastReadMessageIndex"})
_LEVELS: Final = frozenset({"default", "muted"})
_INTEGER: Final = re.compile(r"-?[0-9]{1,18}")


def updated(
    participant: Participant, form: Mapping[str, str], *, messages: Messages, behaviour: Behaviour, now: int
) -> Participant:
    """Apply an update form to *participant*, or refuse it as Twilio would."""
    if not _KNOWN & form.keys():
        if behaviour.empty_update == "reject":
            raise Refusal(400, 20161, "Parameters are not specified for update request")
        return participant
    new = participant._replace(date_updated=now)
    if "NotificationLevel" in form:
        new = new._replace(notification_level=_level(form["NotificationLevel"]))
    stamp = _timestamp(form["LastReadTimestamp"]) if "LastReadTimestamp" in form else None
    if "LastReadMessageIndex" in form:
        return _moved(new, _index(form["LastReadMessageIndex"], messages, behaviour), stamp, behaviour, now)
    if stamp is None:
        return new
    if behaviour.timestamp_alone == "reads_all":
        new = new._replace(last_read_message_index=messages.newest())
    return new._replace(last_read_timestamp=stamp)


def _moved(new: Participant, index: int | None, stamp: int | None, behaviour: Behaviour, now: int) -> Participant:
    if index is None:
        return new._replace(last_read_message_index=None, last_read_timestamp=stamp)
    if stamp is None:
        stamp = now if behaviour.timestamp_with_index == "now" else new.last_read_timestamp
    return new._replace(last_read_message_index=index, last_read_timestamp=stamp)


def _level(text: str) -> NotificationLevel:
    if text not in _LEVELS:
        raise Refusal(400, 50210, "Invalid notification level")
    return cast("NotificationLevel", text)


def _index(text: str, messages: Messages, behaviour: Behaviour) -> int | None:
    refusal = Refusal(400, 50421, "Invalid last read message index format")
    clearing = {"": behaviour.empty_index, "null": behaviour.null_index}
    if text in clearing:
        if clearing[text] == "reject":
            raise refusal
        return None
    if not _INTEGER.fullmatch(text):
        raise refusal
    index = int(text)
    if index < 0 and behaviour.negative_index == "reject":
        raise refusal
    newest = messages.newest()
    if behaviour.index_beyond_newest == "reject" and index > (-1 if newest is None else newest):
        raise refusal
    return index


def _timestamp(text: str) -> int:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(400, 50405, "Invalid last consumption timestamp format") from None
    if "T" not in text:
        raise Refusal(400, 50405, "Invalid last consumption timestamp format")
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())
