"""Pages of a list: the requested page, its token, its rows, and the links to the pages around it."""

from collections.abc import Mapping
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

from readstate.simulator.api.behaviour import Behaviour
from readstate.simulator.api.lists.order import Listing
from readstate.simulator.api.lists.page_token import PageToken
from readstate.simulator.api.responses import ApiError
from readstate.simulator.faults.faults import NO_PAGE_FAULTS, PageFaults

Item = TypeVar("Item")


class PageRequest(NamedTuple):
    """The page that a query requests."""

    size: int
    number: int
    token: PageToken
    skipped: int = 0
    """Rows before the page, where it is requested by its number alone."""


class Page(NamedTuple, Generic[Item]):
    """The rows of one page, and the tokens of the pages before and after."""

    rows: list[Item]
    forward: PageToken | None
    backward: PageToken | None


def parse_page_request(query: Mapping[str, str], *, largest: int, behaviour: Behaviour) -> PageRequest:
    """Return the page that *query* requests. Raise `ApiError` as Twilio would."""
    size = _whole_number(query.get("PageSize", "50"), "PageSize", least=1)
    number = _whole_number(query.get("Page", "0"), "Page", least=0)
    if size > largest:
        # A list whose pages are below Twilio's usual 50 is asked for nothing too large by a client that names no size.
        if behaviour.page_size_over_maximum == "reject" and "PageSize" in query:
            raise ApiError(400, 20007, f"Page size too large: the maximum page size is {largest}")
        size = largest
    text = query.get("PageToken")
    if text is not None:
        token = PageToken.read(text, behaviour.token_form)
        if token is None:
            raise ApiError(400, 21481, "Invalid PageToken")
        return PageRequest(size, number, token)
    if number > 0 and behaviour.page_without_token == "reject":  # noqa: S105 - a choice
        raise ApiError(400, 70002, "Paged requests must include a PageToken")
    if behaviour.page_without_token == "by_number":  # noqa: S105 - a choice
        return PageRequest(size, number, PageToken(), skipped=size * number)
    return PageRequest(size, 0, PageToken())


def take_page(listing: Listing[Item], request: PageRequest, page_faults: PageFaults = NO_PAGE_FAULTS) -> Page[Item]:
    """Return the rows of a page."""
    if request.token.backwards:
        return _take_back(listing, request)
    after, moved = request.token.key, request.token.moved
    first_place = request.skipped
    candidates = list(islice(listing.after(after), first_place, first_place + request.size + 1 + page_faults.moves_row))
    if page_faults.moves_row and candidates:
        moved = (*moved, candidates.pop(0)[0])
    first: list[Item] = []
    # A page of one row that repeated a row would never come to an end.
    if page_faults.repeats_row and request.size > 1 and (again := listing.get(after)) is not None:
        first = [again]
    room = request.size - len(first)
    rows = first + [item for _, item in candidates[:room]]
    backward = PageToken(candidates[0][0], backwards=True) if candidates and request.number else None
    if len(candidates) > room:
        return Page(rows, PageToken(candidates[room - 1][0], moved), backward)
    rows += [item for key in moved if (item := listing.get(key)) is not None]
    return Page(rows, None, backward)


def envelope(
    page: Page[Item],
    request: PageRequest,
    *,
    key: str,
    rows: list[str],
    url: str,
    behaviour: Behaviour,
    filters: str = "",
    page_faults: PageFaults = NO_PAGE_FAULTS,
) -> bytes:
    """Write a page with its `meta`; *filters* is the beginning of the query, such as `Order=desc&`."""
    start = f"{url}?{filters}PageSize={request.size}"
    number = request.number
    first = _url(start, PageToken(), 0, behaviour)
    this = _url(start, request.token, number, behaviour)
    before = "null" if page.backward is None else f'"{_url(start, page.backward, max(0, number - 1), behaviour)}"'
    after = "null"
    if page.forward is not None:
        after = f'"{this if page_faults.loops else _url(start, page.forward, number + 1, behaviour)}"'
        if page_faults.next_origin is not None:
            after = f'"{page_faults.next_origin}{after[after.index("/v1/") :]}'
    return (
        f'{{"{key}":[{",".join(rows)}],"meta":{{"page":{number},"page_size":{request.size},'
        f'"first_page_url":"{first}","previous_page_url":{before},"url":"{this}","next_page_url":{after},'
        f'"key":"{key}"}}}}'
    ).encode()


def next_target(body: bytes) -> str:
    """Return the target of the page after the one in *body*; empty after the last one."""
    _, found, rest = body.rpartition(b'"next_page_url":"')
    return rest[rest.index(b"/v1/") : rest.index(b'"')].decode() if found else ""


def _take_back(listing: Listing[Item], request: PageRequest) -> Page[Item]:
    found = list(islice(listing.before(request.token.key), request.size + 1))
    pairs = found[: request.size][::-1]
    if not pairs:
        return Page([], None, None)
    return Page(
        [item for _, item in pairs],
        PageToken(pairs[-1][0]),
        PageToken(pairs[0][0], backwards=True) if len(found) > request.size else None,
    )


def _url(start: str, token: PageToken, number: int, behaviour: Behaviour) -> str:
    if behaviour.next_page_url == "relative":
        start = start[start.index("/v1/") :]
    if not token.key:
        return f"{start}&Page={number}"
    written = f"&PageToken={token.write(behaviour.token_form)}"
    match behaviour.next_page_url:
        case "page_first":
            return f"{start}&Page={number}{written}"
        case "token_only":
            return f"{start}{written}"
        case _:
            return f"{start}{written}&Page={number}"


def _whole_number(text: str, name: str, *, least: int) -> int:
    if not text.isdecimal() or int(text) < least:
        raise ApiError(400, 20001, f"Invalid parameter: {name} must be a whole number, at least {least}")
    return int(text)
