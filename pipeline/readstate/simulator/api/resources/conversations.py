"""The conversations of a service."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time
from typing import Final, cast
from urllib.parse import urlencode

import msgspec

from readstate.simulator.api import json_templates as render
from readstate.simulator.api.behaviour import ConversationList
from readstate.simulator.api.context import GONE, Context, created, ok
from readstate.simulator.api.list_response import list_response
from readstate.simulator.api.lists.order import Listing, conversation_key, sid_in
from readstate.simulator.api.responses import ApiError, Response
from readstate.simulator.seed.records import Conversation, ConversationState
from readstate.simulator.world.service import Service

_NEVER: Final = float("inf")
_LIKE_A_SID = re.compile(r"CH[0-9a-fA-F]{32}")
_STATES = frozenset({"active", "inactive", "closed"})


def list_page(context: Context) -> Response:
    """List the conversations, of one state and created between two dates if requested."""
    query = context.query
    filters = {name: query[name] for name in ("StartDate", "EndDate", "State") if name in query}
    # Nothing here is ever `initializing`, but clients may ask for it.
    state = _state(query["State"], known=_STATES | {"initializing"}) if "State" in query else None
    start = _date(query.get("StartDate"), "StartDate", day_ends=time.min, default=-_NEVER)
    end = _date(query.get("EndDate"), "EndDate", day_ends=time(23, 59, 59), default=_NEVER)
    order = context.behaviour.conversations
    if "StartDate" in query or "EndDate" in query:
        # As documented, whatever the order is otherwise.
        order = msgspec.structs.replace(order, order="created", direction="desc", state_first="no")
    return list_response(
        context,
        _listing(
            context.service, order, lambda found: state in {None, found.state} and start <= found.date_created <= end
        ),
        order,
        key="conversations",
        url=f"{context.urls.prefix}/Conversations",
        row=lambda found: render.conversation(context.urls, found),
        filters=f"{urlencode(filters)}&" if filters else "",
        touch=lambda found: context.other_clients.write_message(context.service, found.number),
    )


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
        state=_state(context.form.get("State", "active")),
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


def _listing(
    service: Service, order: ConversationList, is_wanted: Callable[[Conversation], bool]
) -> Listing[Conversation]:
    def wanted(pairs: Iterator[tuple[str, Conversation]]) -> Iterator[tuple[str, Conversation]]:
        return (pair for pair in pairs if is_wanted(pair[1]))

    if order.order == "sid" and order.state_first == "no":
        by_sid = Listing(
            after=lambda sid: wanted((found.sid, found) for found in service.conversations(after=sid)),
            before=lambda sid: wanted((found.sid, found) for found in service.conversations_down(before=sid)),
            get=service.find_conversation,
        )
        return by_sid.directed(order)
    records = service.conversations_by(
        f"{order.state_first} {order.order}", lambda found: conversation_key(order, found)
    )
    return Listing(
        after=lambda key: wanted(records.up(key)),
        before=lambda key: wanted(records.down(key)),
        get=lambda key: service.find_conversation(sid_in(order, key)),
    ).directed(order)


def _date(text: str | None, name: str, *, day_ends: time, default: float) -> float:
    if text is None:
        return default
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise ApiError(400, 20001, f"Invalid parameter: {name}") from None
    if len(text) <= len("2026-11-23"):
        when = datetime.combine(when, day_ends)
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _state(text: str, *, known: frozenset[str] = _STATES) -> ConversationState:
    if text not in known:
        raise ApiError(400, 20001, "Invalid parameter: State")
    return cast("ConversationState", text)


def _check_unique_name(context: Context, unique_name: str | None) -> None:
    if unique_name is None:
        return
    if _LIKE_A_SID.fullmatch(unique_name):
        raise ApiError(400, 50390, "Unique name should not match conversation SID pattern")
    if context.service.find_conversation(unique_name) is not None:
        raise ApiError(409, 50353, "Conversation with provided unique name already exists")
