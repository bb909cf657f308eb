"""The services and the configuration of the account."""

import re
from typing import Final

from readstate.simulator.api import json_templates as render
from readstate.simulator.api.context import GONE, Context, created, ok
from readstate.simulator.api.list_response import list_response
from readstate.simulator.api.lists.order import listing_of
from readstate.simulator.api.responses import ApiError, Response
from readstate.simulator.world.service import Service

_LONGEST_NAME: Final = 256
_DURATION: Final = re.compile(r"P(?=.)([0-9]+D)?(T(?=.)([0-9]+H)?([0-9]+M)?([0-9]+S)?)?")
_MESSAGING_SERVICE: Final = re.compile(r"MG[0-9a-fA-F]{32}")


def list_services(context: Context) -> Response:
    """List the chat services."""
    account_sid = context.urls.account_sid
    return list_response(
        context,
        listing_of(sorted((service.sid, service) for service in context.world.services)),
        context.behaviour.services,
        key="services",
        url=f"{context.base_url}/v1/Services",
        row=lambda service: render.service(context.base_url, account_sid, service),
    )


def fetch_service(context: Context, sid: str) -> Response:
    """Fetch a chat service."""
    return ok(render.service(context.base_url, context.urls.account_sid, _find(context, sid)))


def create_service(context: Context) -> Response:
    """Create a chat service."""
    name = context.form.get("FriendlyName", "")
    if not 0 < len(name) <= _LONGEST_NAME:
        raise ApiError(400, 20001, "Invalid parameter: FriendlyName must have 1 to 256 characters")
    service = context.world.create_service(name, actor=context.request_id)
    return created(render.service(context.base_url, context.urls.account_sid, service))


def delete_service(context: Context, sid: str) -> Response:
    """Delete a chat service with everything in it."""
    service = _find(context, sid)
    if service is context.world.default_service:
        raise ApiError(400, 20001, "The default service cannot be deleted")
    context.world.delete_service(service, actor=context.request_id)
    return GONE


def fetch_service_configuration(context: Context) -> Response:
    """Return the configuration of a service."""
    return ok(render.service_configuration(context.base_url, context.service))


def fetch_configuration(context: Context) -> Response:
    """Return the configuration, which names the default service."""
    world = context.world
    return ok(
        render.configuration(context.base_url, context.urls.account_sid, world.default_service.sid, world.configuration)
    )


def update_configuration(context: Context) -> Response:
    """Change the default service, the messaging service or the timers."""
    form, old = context.form, context.world.configuration
    default = old.default_service
    if "DefaultChatServiceSid" in form:
        service = context.world.service(form["DefaultChatServiceSid"])
        if service is None:
            raise ApiError(400, 20001, "Invalid parameter: DefaultChatServiceSid")
        default = service.number
    new = old._replace(
        default_service=default,
        messaging_service_sid=_checked(context, "DefaultMessagingServiceSid", _MESSAGING_SERVICE)
        or old.messaging_service_sid,
        inactive_timer=_checked(context, "DefaultInactiveTimer", _DURATION) or old.inactive_timer,
        closed_timer=_checked(context, "DefaultClosedTimer", _DURATION) or old.closed_timer,
    )
    context.world.configure(new, actor=context.request_id)
    return fetch_configuration(context)


def _find(context: Context, sid: str) -> Service:
    service = context.world.service(sid)
    if service is None:
        raise context.not_found(50050)
    return service


def _checked(context: Context, name: str, pattern: re.Pattern[str]) -> str | None:
    text = context.form.get(name)
    if text is not None and not pattern.fullmatch(text):
        raise ApiError(400, 20001, f"Invalid parameter: {name}")
    return text
