"""The services and the configuration of the account."""

from readstate.simulator.api import json_templates as render
from readstate.simulator.api.context import Context, ok
from readstate.simulator.api.paging import Listing, envelope, take_page
from readstate.simulator.api.responses import Response

_MAXIMUM = 100


def list_services(context: Context) -> Response:
    """List the chat services."""
    request, page_faults = context.page(maximum=_MAXIMUM)
    keyed = sorted((service.sid, service) for service in context.world.services)
    listing = Listing(
        after=lambda sid: (pair for pair in keyed if pair[0] > sid),
        before=lambda sid: (pair for pair in reversed(keyed) if pair[0] < sid),
        get=context.world.service,
    )
    page = take_page(listing, request, page_faults)
    account_sid = context.urls.account_sid
    rows = [render.service(context.base_url, account_sid, service.seeded) for service in page.rows]
    url = f"{context.base_url}/v1/Services"
    return Response(200, envelope(page, request, key="services", rows=rows, url=url, page_faults=page_faults))


def fetch_service(context: Context, sid: str) -> Response:
    """Fetch a chat service."""
    service = context.world.service(sid)
    if service is None:
        raise context.not_found(50050)
    return ok(render.service(context.base_url, context.urls.account_sid, service.seeded))


def fetch_configuration(context: Context) -> Response:
    """Return the configuration, which names the default service."""
    return ok(render.configuration(context.base_url, context.urls.account_sid, context.world.default_service.sid))
