"""The users of a service."""

import re
from collections.abc import Iterator

from readstate.simulator.api import json_templates as render
from readstate.simulator.api.context import GONE, Context, created, ok
from readstate.simulator.api.paging import Listing, envelope, take_page
from readstate.simulator.api.responses import ApiError, Response
from readstate.simulator.seed.records import User

_MAXIMUM = 50
_LONGEST_IDENTITY = 256
_LIKE_A_SID = re.compile(r"US[0-9a-fA-F]{32}")


def list_page(context: Context) -> Response:
    """List the users in SID order; those that will have vanished are still in it."""
    service = context.service
    request, page_faults = context.page(maximum=_MAXIMUM)
    listing = Listing(
        after=lambda sid: _keyed(service.users(after=sid)),
        before=lambda sid: _keyed(service.users_down(before=sid)),
        get=service.find_user,
    )
    page = take_page(listing, request, page_faults)
    rows = [render.user(context.urls, user) for user in page.rows]
    url = f"{context.urls.prefix}/Users"
    return Response(200, envelope(page, request, key="users", rows=rows, url=url, page_faults=page_faults))


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


def _keyed(users: Iterator[User]) -> Iterator[tuple[str, User]]:
    return ((user.sid, user) for user in users)
