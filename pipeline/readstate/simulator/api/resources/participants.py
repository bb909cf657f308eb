"""The participants of a conversation: the same memberships as a user's conversations, seen from the other side."""

from readstate.simulator.api import json_templates as render
from readstate.simulator.api.context import GONE, Context, created, ok
from readstate.simulator.api.list_response import list_response
from readstate.simulator.api.lists.order import listing_of, sort_key
from readstate.simulator.api.read_horizon import apply_update
from readstate.simulator.api.resources.user_conversations import change_membership
from readstate.simulator.api.responses import ApiError, Response
from readstate.simulator.seed.records import Conversation, Participant

_MOST_LIVE_CONVERSATIONS = 1000


def list_page(context: Context, conversation_reference: str) -> Response:
    """List the members of a conversation."""
    conversation = context.conversation(conversation_reference)
    order = context.behaviour.participants
    keyed = [
        (sort_key(order, member.sid, created=member.date_created, updated=member.date_updated), member)
        for member in context.service.participants(conversation)
    ]
    return list_response(
        context,
        listing_of(sorted(keyed)).directed(order),
        order,
        key="participants",
        url=f"{context.urls.prefix}/Conversations/{conversation.sid}/Participants",
        row=lambda member: _row(context, conversation, member),
        touch=lambda member: context.other_clients.read(context.service, conversation, member),
    )


def fetch(context: Context, conversation_reference: str, reference: str) -> Response:
    """Fetch a participant by SID or identity."""
    conversation = context.conversation(conversation_reference)
    return ok(_row(context, conversation, _find(context, conversation, reference)))


def create(context: Context, conversation_reference: str) -> Response:
    """Add an identity to a conversation; a user who does not exist yet is made."""
    conversation = context.conversation(conversation_reference)
    identity = context.form.get("Identity")
    if not identity:
        raise ApiError(400, 20001, "Missing required parameter Identity in the post body")
    user = context.service.find_user(identity)
    if user is not None and context.service.participant(conversation, user.number) is not None:
        raise ApiError(409, 50433, "Participant already exists")
    if user is not None and _live_conversations(context, user.number) >= _MOST_LIVE_CONVERSATIONS:
        raise ApiError(403, 50214, "User conversation limit exceeded")
    context.count_action(conversation)
    editor = context.editor()
    member = editor.add_participant(
        conversation, user or editor.create_user(identity), attributes=context.form.get("Attributes", "{}")
    )
    return created(_row(context, conversation, member))


def update(context: Context, conversation_reference: str, reference: str) -> Response:
    """Change the read horizon or the notification level."""
    conversation = context.conversation(conversation_reference)
    member = _find(context, conversation, reference)
    form = {name: value for name, value in context.form.items() if name != "NotificationLevel"}
    if "Attributes" in form:
        new = member._replace(attributes=form.pop("Attributes"), date_updated=context.now)
    else:
        new = member
    if form or new is member:
        new = apply_update(new, form, messages=conversation.messages, behaviour=context.behaviour, now=context.now)
    context.count_action(conversation)
    change_membership(context, conversation, member, new)
    return ok(_row(context, conversation, new))


def delete(context: Context, conversation_reference: str, reference: str) -> Response:
    """End a membership."""
    conversation = context.conversation(conversation_reference)
    member = _find(context, conversation, reference)
    context.count_action(conversation)
    context.editor().remove_participant(conversation, member)
    return GONE


def _find(context: Context, conversation: Conversation, reference: str) -> Participant:
    member = context.service.find_participant(conversation, reference)
    if member is None:
        raise context.not_found(50432)
    return member


def _live_conversations(context: Context, user: int) -> int:
    listed = context.service.conversations_of(user)
    if len(listed) < _MOST_LIVE_CONVERSATIONS:
        return len(listed)
    found = (context.service.conversation(number, sid) for sid, number in listed)
    return sum(conversation is not None and conversation.state != "closed" for conversation in found)


def _row(context: Context, conversation: Conversation, member: Participant) -> str:
    user = context.service.user(member.user)
    identity = user.identity if user is not None else ""
    return render.participant(context.urls, conversation.sid, identity, context.service.seeded.role_sid, member)
