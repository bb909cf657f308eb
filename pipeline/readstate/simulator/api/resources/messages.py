"""The messages of a conversation."""

from collections.abc import Iterable, Iterator

from readstate.simulator.api import json_templates as render
from readstate.simulator.api.context import GONE, Context, created, ok
from readstate.simulator.api.list_response import list_response
from readstate.simulator.api.lists.order import Listing
from readstate.simulator.api.responses import ApiError, Response
from readstate.simulator.seed.records import Conversation


def list_page(context: Context, conversation_reference: str) -> Response:
    """List the messages, the oldest first unless `Order=desc`."""
    conversation = context.conversation(conversation_reference)
    asked = context.query.get("Order", "asc")
    order = asked.lower()
    if order not in {"asc", "desc"}:
        raise ApiError(400, 20001, "Invalid parameter: Order")
    response = list_response(
        context,
        _listing(conversation, descending=order == "desc"),
        context.behaviour.messages,
        key="messages",
        url=f"{context.urls.prefix}/Conversations/{conversation.sid}/Messages",
        row=lambda index: _row(context, conversation, index),
        filters=f"Order={asked}&" if "Order" in context.query else "",
    )
    if order == "desc":
        context.other_clients.after_lookup(context.service, conversation)
    return response


def fetch(context: Context, conversation_reference: str, reference: str) -> Response:
    """Fetch a message."""
    conversation = context.conversation(conversation_reference)
    return ok(_row(context, conversation, _find(context, conversation, reference)))


def create(context: Context, conversation_reference: str) -> Response:
    """Add a message."""
    conversation = context.conversation(conversation_reference)
    if conversation.state == "closed":
        raise ApiError(400, 50377, "Can't update conversation as it's in final closed state")
    context.count_action(conversation)
    form = context.form
    index = context.editor().add_message(
        conversation,
        author=form.get("Author", "system"),
        body=form.get("Body"),
        attributes=form.get("Attributes", "{}"),
    )
    return created(_row(context, context.service.conversation(conversation.number) or conversation, index))


def update(context: Context, conversation_reference: str, reference: str) -> Response:
    """Edit a message."""
    conversation = context.conversation(conversation_reference)
    old = context.service.message(conversation, _find(context, conversation, reference))
    form = context.form
    new = old._replace(
        author=form.get("Author", old.author),
        body=form.get("Body", old.body),
        attributes=form.get("Attributes", old.attributes),
    )
    context.count_action(conversation)
    context.editor().update_message(conversation, old, new)
    return ok(_row(context, conversation, old.at))


def delete(context: Context, conversation_reference: str, reference: str) -> Response:
    """Delete a message; horizons stay where they are, even beyond the newest message."""
    conversation = context.conversation(conversation_reference)
    index = _find(context, conversation, reference)
    context.count_action(conversation)
    context.editor().delete_message(conversation, index)
    return GONE


def _find(context: Context, conversation: Conversation, sid: str) -> int:
    index = context.service.seeded.index_of_message_sid(conversation.number, sid)
    if index is None or not conversation.messages.has(index):
        raise context.not_found(50500)
    return index


def _row(context: Context, conversation: Conversation, index: int) -> str:
    message = context.service.message(conversation, index)
    author = None if message.author is None else context.service.member_named(conversation, message.author)
    return render.message(context.urls, conversation.sid, message, author.sid if author else None)


def _listing(conversation: Conversation, *, descending: bool) -> Listing[int]:
    messages = conversation.messages

    def up(key: str) -> Iterator[tuple[str, int]]:
        return _keyed(messages.ascending(_index(key) if key else -1))

    def down(key: str) -> Iterator[tuple[str, int]]:
        return _keyed(messages.descending(_index(key) if key else messages.last_ever + 1))

    def get(key: str) -> int | None:
        return _index(key) if key and messages.has(_index(key)) else None

    return Listing(down, up, get) if descending else Listing(up, down, get)


def _index(key: str) -> int:
    if not key.isdecimal():
        raise ApiError(400, 21481, "Invalid PageToken")
    return int(key)


def _keyed(indices: Iterable[int]) -> Iterator[tuple[str, int]]:
    return ((str(index), index) for index in indices)
