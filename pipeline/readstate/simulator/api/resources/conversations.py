"""The conversations of a service."""

import re
from collections.abc import Iterator
from typing import cast

from readstate.simulator.api import json_templates as render
from readstate.simulator.api.context import GONE, Context, created, ok
from readstate.simulator.api.paging import Listing, envelope, take_page
from readstate.simulator.api.responses import ApiError, Response
from readstate.simulator.seed.records import Conversation, ConversationState

_MAXIMUM = 100
_LIKE_A_SID = re.compile(r"CH[0-9a-fA-F]{32}")
_STATES = frozenset({"active", "inactive", "closed"})


def list_page(context: Context) -> Response:
    """List the conversations in SID order, of one state if requested."""
    service, state = context.service, context.query.get("State")
    request, page_faults = context.page(maximum=_MAXIMUM)

    def keyed(conversations: Iterator[Conversation]) -> Iterator[tuple[str, Conversation]]:
        return ((found.sid, found) for found in conversations if state in {None, found.state})

    listing = Listing(
        after=lambda sid: keyed(service.conversations(after=sid)),
        before=lambda sid: keyed(service.conversations_down(before=sid)),
        get=service.find_conversation,
    )
    page = take_page(listing, request, page_faults)
    rows = [render.conversation(context.urls, found) for found in page.rows]
    filters = f"State={state}&" if state else ""
    url = f"{context.urls.prefix}/Conversations"
    body = envelope(page, request, key="conversations", rows=rows, url=url, filters=filters, page_faults=page_faults)
    return Response(200, body)


def fetch(context: Context, reference: str) -> Response:
    """Fetch a conversation by SID or unique name."""
    return ok(render.conversation(context.urls, context.conversation(reference)))


def create(context: Context) -> Response:
    """Create a conversation."""
    unique_name = context.form.get("UniqueName")
    _check_unique_name(context, unique_name)
    context.count_action()
    conversation = context.editor().create_conversation(
        friendly_name=context.form.get("FriendlyName"),
        unique_name=unique_name,
        attributes=context.form.get("Attributes", "{}"),
    )
    return created(render.conversation(context.urls, conversation))


def update(context: Context, reference: str) -> Response:
    """Change a conversation; one that is closed stays closed."""
    conversation = context.conversation(reference)
    if conversation.state == "closed":
        raise ApiError(400, 50377, "Can't update conversation as it's in final closed state")
    form = context.form
    new = conversation._replace(
        friendly_name=form.get("FriendlyName", conversation.friendly_name),
        unique_name=form.get("UniqueName", conversation.unique_name),
        attributes=form.get("Attributes", conversation.attributes),
        state=_state(form.get("State", conversation.state)),
    )
    if new.unique_name != conversation.unique_name:
        _check_unique_name(context, new.unique_name)
    context.count_action(conversation)
    return ok(render.conversation(context.urls, context.editor().update_conversation(conversation, new)))


def delete(context: Context, reference: str) -> Response:
    """Delete a conversation and all the memberships in it."""
    conversation = context.conversation(reference)
    context.count_action()
    context.editor().delete_conversation(conversation)
    return GONE


def _state(text: str) -> ConversationState:
    if text not in _STATES:
        raise ApiError(400, 20001, "Invalid parameter: State")
    return cast("ConversationState", text)


def _check_unique_name(context: Context, unique_name: str | None) -> None:
    if unique_name is None:
        return
    if _LIKE_A_SID.fullmatch(unique_name):
        raise ApiError(400, 50390, "Unique name should not match conversation SID pattern")
    if context.service.find_conversation(unique_name) is not None:
        raise ApiError(409, 50353, "Conversation with provided unique name already exists")
