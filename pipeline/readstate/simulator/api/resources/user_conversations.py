"""A user's conversations: a view over memberships and conversations, and the heart of the simulator."""

from readstate.simulator.api import json_templates as render
from readstate.simulator.api.context import GONE, Context, ok
from readstate.simulator.api.list_response import list_response
from readstate.simulator.api.lists.order import Listing, conversation_key, listing_of
from readstate.simulator.api.read_horizon import apply_update, unread_messages_count
from readstate.simulator.api.responses import ApiError, Response
from readstate.simulator.seed.records import Conversation, Participant, User
from readstate.simulator.world.service import Listed


def list_page(context: Context, user_reference: str) -> Response:
    """List the conversations of a user."""
    user, user_sid = context.user_key(user_reference)
    find = context.service.listed_membership

    def row(listed: Listed) -> str | None:
        membership = find(listed, user)
        return None if membership is None else _view(context, user_sid, *membership)

    return list_response(
        context,
        _listing(context, user),
        context.behaviour.user_conversations,
        key="conversations",
        url=f"{context.urls.prefix}/Users/{user_sid}/Conversations",
        row=row,
        touch=lambda listed: context.other_clients.write_message(context.service, listed[1]),
    )


def fetch(context: Context, user_reference: str, conversation_reference: str) -> Response:
    """Fetch one conversation of a user."""
    user, conversation, participant = _find(context, user_reference, conversation_reference)
    response = _shown(context, user, conversation, participant)
    context.other_clients.after_fetch(context.service, conversation, participant)
    return response


def update(context: Context, user_reference: str, conversation_reference: str) -> Response:
    """Change the notification level or the read horizon."""
    user, conversation, participant = _find_to_write(context, user_reference, conversation_reference)
    new = apply_update(
        participant,
        context.form,
        messages=conversation.messages,
        behaviour=context.behaviour,
        now=context.now,
    )
    context.count_action(conversation)
    change_membership(context, conversation, participant, new)
    return _shown(context, user, context.service.conversation(conversation.number) or conversation, new)


def delete(context: Context, user_reference: str, conversation_reference: str) -> Response:
    """Remove the user from the conversation; both stay."""
    try:
        _, conversation, participant = _find_to_write(context, user_reference, conversation_reference)
    except ApiError as error:
        if error.status == 404 and context.behaviour.second_delete == "no_content":
            return GONE
        raise
    context.count_action(conversation)
    context.editor().remove_participant(conversation, participant)
    return GONE


def change_membership(context: Context, conversation: Conversation, old: Participant, new: Participant) -> None:
    """Store a changed membership and what follows from it."""
    if new is old:
        return
    overlay, behaviour = context.service.overlay, context.behaviour
    key = (conversation.number, old.user)
    if behaviour.unread_lag_seconds:
        overlay.lagging[key] = (context.world.now() + behaviour.unread_lag_seconds, old.last_read_message_index)
    if behaviour.horizon_moves_date_updated == "yes":
        overlay.conversations[conversation.number] = conversation._replace(date_updated=context.now)
    context.editor().update_participant(conversation, old, new)


def _view(context: Context, user_sid: str, conversation: Conversation, participant: Participant) -> str:
    """Write the view over a membership and its conversation."""
    unread = unread_messages_count(context.service, conversation, participant, context.behaviour, context.world.now())
    return render.user_conversation(context.urls, user_sid, conversation, participant, unread)


def _shown(context: Context, user: User, conversation: Conversation, participant: Participant) -> Response:
    return ok(_view(context, user.sid, conversation, participant))


def _find(context: Context, user_reference: str, conversation_reference: str) -> tuple[User, Conversation, Participant]:
    user = context.user(user_reference)
    conversation = context.conversation(conversation_reference)
    return user, conversation, context.member(conversation, user)


def _find_to_write(
    context: Context, user_reference: str, conversation_reference: str
) -> tuple[User, Conversation, Participant]:
    user, conversation, participant = _find(context, user_reference, conversation_reference)
    context.other_clients.before_write(context.service, conversation, participant)
    participant = context.member(conversation, user)
    if conversation.state == "closed" and context.behaviour.closed_conversation == "reject":
        raise ApiError(400, 50377, "Can't update conversation as it's in final closed state")
    return user, conversation, participant


def _listing(context: Context, user: int) -> Listing[Listed]:
    listed = context.service.conversations_of(user)
    order = context.behaviour.user_conversations
    if order.order == "sid" and order.state_first == "no":
        return listing_of([(pair[0], pair) for pair in listed]).directed(order)
    found = ((pair, context.service.conversation(pair[1], pair[0])) for pair in listed)
    keyed = [(conversation_key(order, conversation), pair) for pair, conversation in found if conversation is not None]
    return listing_of(sorted(keyed)).directed(order)
