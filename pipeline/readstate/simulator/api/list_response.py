"""The response to a request for a page of a list, and what other clients do to the list meanwhile."""

from collections.abc import Callable
from itertools import islice
from typing import TypeVar

import msgspec

from readstate.simulator.api.behaviour import ListBehaviour
from readstate.simulator.api.context import Context
from readstate.simulator.api.lists.order import Listing
from readstate.simulator.api.lists.paging import envelope, parse_page_request, take_page
from readstate.simulator.api.responses import Response

Item = TypeVar("Item")
_LATER_ROWS = 200
"""Among how many rows of later pages other clients choose one."""


def list_response(
    context: Context,
    listing: Listing[Item],
    rules: ListBehaviour,
    *,
    key: str,
    url: str,
    row: Callable[[Item], str | None],
    filters: str = "",
    touch: Callable[[Item], object] | None = None,
) -> Response:
    """Return the page that *context* requests: its rows below *key*, its links from *url* and *filters*.

    Afterwards another client may *touch* an item of a later page, as often as the faults say.
    """
    behaviour = context.behaviour
    if rules.token_form is not None:
        behaviour = msgspec.structs.replace(behaviour, token_form=rules.token_form)
    request = parse_page_request(context.query, largest=rules.largest_page, behaviour=behaviour)
    page_faults = context.injector.page_faults(request.number)
    page = take_page(listing, request, page_faults)
    body = envelope(
        page,
        request,
        key=key,
        rows=[text for item in page.rows if (text := row(item)) is not None],
        url=url,
        behaviour=behaviour,
        filters=filters,
        page_faults=page_faults,
    )
    faults = context.injector.faults
    if touch is not None and page.forward is not None and context.injector.chance(faults.live_list_share):
        later = list(islice(listing.after(page.forward.key), _LATER_ROWS))
        touch(later[context.injector.index(len(later))][1])
    return Response(200, body)
