"""The conversations of a participant, found by identity instead of by user."""

from urllib.parse import urlencode

from readstate.simulator.api import json_templates as render
from readstate.simulator.api.context import Context
from readstate.simulator.api.list_response import list_response
from readstate.simulator.api.lists.order import Listing, conversation_key, listing_of
from readstate.simulator.api.responses import ApiError, Response
from readstate.simulator.seed.records import Conversation, Participant, User

_Membership = tuple[User, Conversation, Participant]


def list_page(context: Context) -> Response:
    """List the conversations of an identity; of an address, which nobody has here, there are none."""
    filters = {name: context.query[name] for name in ("Identity", "Address") if name in context.query}
    if len(filters) != 1:
        raise ApiError(400, 20001, "Invalid parameter: one of Identity and Address is required")
    return list_response(
        context,
        _listing(context, context.query.get("Identity", "")),
        context.behaviour.user_conversations,
        key="conversations",
        url=f"{context.urls.prefix}/ParticipantConversations",
        row=lambda membership: render.participant_conversation(context.urls, *membership),
        filters=f"{urlencode(filters)}&",
    )


def _listing(context: Context, identity: str) -> Listing[_Membership]:
    service, order = context.service, context.behaviour.user_conversations
    user = service.find_user(identity)
    if user is None or user.identity != identity:
        return listing_of([])
    found = (service.listed_membership(listed, user.number) for listed in service.conversations_of(user.number))
    keyed = [
        (conversation_key(order, conversation), (user, conversation, participant))
        for conversation, participant in filter(None, found)
    ]
    return listing_of(sorted(keyed)).directed(order)
