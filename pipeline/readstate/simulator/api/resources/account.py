"""The services and the configuration of the account."""

from readstate.simulator.api import json_templates as render
from readstate.simulator.api.context import Context, ok
from readstate.simulator.api.list_response import list_response
from readstate.simulator.api.lists.order import listing_of
from readstate.simulator.api.responses import Response


def list_services(context: Context) -> Response:
    """List the chat services."""
    account_sid = context.urls.account_sid
    return list_response(
        context,
        listing_of(sorted((service.sid, service) for service in context.world.services)),
        context.behaviour.services,
        key="services",
        url=f"{context.base_url}/v1/Services",
        row=lambda service: render.service(context.base_url, account_sid, service.seeded),
    )


def fetch_service(context: Context, sid: str) -> Response:
    """Fetch a chat service."""
    service = context.world.service(sid)
    if service is None:
        raise context.not_found(50050)
    return ok(render.service(context.base_url, context.urls.account_sid, service.seeded))


def fetch_configuration(context: Context) -> Response:
    """Return the configuration, which names the default service."""
    return ok(render.configuration(context.base_url, context.urls.account_sid, context.world.default_service.sid))
