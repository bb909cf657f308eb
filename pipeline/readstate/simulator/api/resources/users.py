"""The users of a service."""

import re

from readstate.simulator.api import json_templates as render
from readstate.simulator.api.behaviour import OrderedList
from readstate.simulator.api.context import GONE, Context, created, ok
from readstate.simulator.api.list_response import list_response
from readstate.simulator.api.lists.order import Listing, sid_in, sort_key
from readstate.simulator.api.responses import ApiError, Response
from readstate.simulator.seed.records import User
from readstate.simulator.world.service import Service

_LONGEST_IDENTITY = 256
_LIKE_A_SID = re.compile(r"US[0-9a-fA-F]{32}")


def list_page(context: Context) -> Response:
    """List the users; those that will have vanished are still in it."""
    return list_response(
        context,
        _listing(context.service, context.behaviour.users),
        context.behaviour.users,
        key="users",
        url=f"{context.urls.prefix}/Users",
        row=lambda user: render.user(context.urls, user),
        touch=lambda user: context.other_clients.rename(context.service, user),
    )


def fetch(context: Context, reference: str) -> Response:
    """Fetch a user by SID or identity."""
    return ok(render.user(context.urls, context.user(reference)))


def create(context: Context) -> Response:
    """Create a user."""
    identity = context.form.get("Identity", "")
    _check_identity(context, identity)
    context.count_action()
    user = context.editor().create_user(
        identity,
        friendly_name=context.form.get("FriendlyName"),
        attributes=context.form.get("Attributes", "{}"),
    )
    return created(render.user(context.urls, user))


def update(context: Context, reference: str) -> Response:
    """Change the name or the attributes of a user."""
    user = context.user(reference)
    new = user._replace(
        friendly_name=context.form.get("FriendlyName", user.friendly_name),
        attributes=context.form.get("Attributes", user.attributes),
    )
    context.count_action()
    return ok(render.user(context.urls, context.editor().update_user(user, new)))


def delete(context: Context, reference: str) -> Response:
    """Delete a user and all the memberships."""
    user = context.user(reference)
    context.count_action()
    context.editor().delete_user(user)
    return GONE


def _check_identity(context: Context, identity: str) -> None:
    if not identity:
        raise ApiError(400, 20001, "Missing required parameter Identity in the post body")
    if len(identity) > _LONGEST_IDENTITY:
        raise ApiError(400, 50207, "Identity is too long")
    if _LIKE_A_SID.fullmatch(identity):
        raise ApiError(400, 50206, "Identity should not match user SID pattern")
    if context.service.find_user(identity) is not None:
        raise ApiError(409, 50201, "User already exists")


def _listing(service: Service, order: OrderedList) -> Listing[User]:
    if order.order == "sid":
        by_sid = Listing(
            after=lambda sid: ((user.sid, user) for user in service.users(after=sid)),
            before=lambda sid: ((user.sid, user) for user in service.users_down(before=sid)),
            get=service.find_user,
        )
        return by_sid.directed(order)

    def key(user: User) -> str:
        return sort_key(order, user.sid, created=user.date_created, updated=user.date_updated)

    users = service.users_by(order.order, key)
    return Listing(users.up, users.down, lambda key: service.find_user(sid_in(order, key))).directed(order)
