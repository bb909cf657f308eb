"""How many messages a user has not read, as the account counts them."""

from readstate.simulator.api.behaviour import Behaviour
from readstate.simulator.seed.records import Conversation, Participant
from readstate.simulator.world.service import Service

MOST = 1000
"""Twilio counts no further."""


def unread_messages_count(
    service: Service, conversation: Conversation, participant: Participant, behaviour: Behaviour, now: float
) -> int | None:
    """Count the messages above the read horizon; None where no horizon was ever set."""
    horizon = participant.last_read_message_index
    if service.overlay.lagging:
        until, before = service.overlay.lagging.get((conversation.number, participant.user), (0.0, None))
        horizon = before if now < until else horizon
    if horizon is None:
        return None
    if behaviour.own_messages == "not_counted":
        return _of_others(service, conversation, participant, horizon)
    return min(MOST, conversation.messages.count_after(horizon))


def _of_others(service: Service, conversation: Conversation, participant: Participant, horizon: int) -> int:
    user = service.user(participant.user)
    own = user.identity if user else None
    count = 0
    for index in conversation.messages.ascending(horizon):
        count += service.message(conversation, index).author != own
        if count == MOST:
            break
    return count
