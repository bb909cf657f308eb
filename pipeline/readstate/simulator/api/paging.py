"""Pages of a list: the requested page, its token, its rows, and the links to the pages around it."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

from readstate.simulator.api.behaviour import Behaviour
from readstate.simulator.api.responses import ApiError
from readstate.simulator.faults.faults import NO_PAGE_FAULTS, PageFaults

Item = TypeVar("Item")


class PageToken(NamedTuple):
    """A place in a list, named by the row beside it and not by a count, so that it outlives changes."""

    key: str = ""
    """The row after which the page begins, or before which it ends; empty for the beginning of the list."""
    moved: tuple[str, ...] = ()
    """Rows that are missing from earlier pages and come on the last one."""
    backwards: bool = False

    def write(self) -> str:
        """Return the token as it stands in a URL."""
        order, side = ("desc", "before") if self.backwards else ("asc", "after")
        content: dict[str, object] = {"order": order, side: self.key}
        if self.moved:
            content["moved"] = self.moved
        letters = urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).decode().rstrip("=")
        return ("PB" if self.backwards else "PT") + letters

    @classmethod
    def read(cls, text: str) -> "PageToken | None":
        """Parse a token; None if this simulator did not write it."""
        try:
            content = json.loads(urlsafe_b64decode(text[2:] + "=" * (-len(text[2:]) % 4)))
            backwards = content["order"] == "desc"
            key, moved = content["before" if backwards else "after"], tuple(content.get("moved", ()))
            token = cls(key, moved, backwards)
            genuine = all(isinstance(part, str) for part in (key, *moved)) and token.write() == text
            return token if genuine else None
        except (ValueError, LookupError, TypeError, AttributeError):
            return None


class PageRequest(NamedTuple):
    """The page that a query requests."""

    size: int
    number: int
    token: PageToken


@dataclass(frozen=True, slots=True)
class Listing(Generic[Item]):
    """A list that is read from a key on, so that rows added or removed meanwhile shift nothing."""

    after: Callable[[str], Iterator[tuple[str, Item]]]
    """Walk up from a key; the empty key is the beginning."""
    before: Callable[[str], Iterator[tuple[str, Item]]]
    """Walk down from a key."""
    get: Callable[[str], Item | None]


class Page(NamedTuple, Generic[Item]):
    """The rows of one page, and the tokens of the pages before and after."""

    rows: list[Item]
    forward: PageToken | None
    backward: PageToken | None


def parse_page_request(query: Mapping[str, str], *, maximum: int, behaviour: Behaviour) -> PageRequest:
    """Return the page that *query* requests. Raise `ApiError` as Twilio would."""
    size = _whole_number(query.get("PageSize", "50"), "PageSize", least=1)
    number = _whole_number(query.get("Page", "0"), "Page", least=0)
    if size > maximum:
        if behaviour.page_size_over_maximum == "reject":
            raise ApiError(400, 20007, f"Page size too large: the maximum page size is {maximum}")
        size = maximum
    text = query.get("PageToken")
    if text is not None:
        token = PageToken.read(text)
        if token is None:
            raise ApiError(400, 21481, "Invalid PageToken")
        return PageRequest(size, number, token)
    if number > 0 and behaviour.page_without_token == "reject":  # noqa: S105 - a choice
        raise ApiError(400, 70002, "Paged requests must include a PageToken")
    return PageRequest(size, 0, PageToken())


def take_page(listing: Listing[Item], request: PageRequest, page_faults: PageFaults = NO_PAGE_FAULTS) -> Page[Item]:
    """Return the rows of a page."""
    if request.token.backwards:
        return _take_back(listing, request)
    after, moved = request.token.key, request.token.moved
    candidates = list(islice(listing.after(after), request.size + 1 + page_faults.moves_row))
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
    filters: str = "",
    page_faults: PageFaults = NO_PAGE_FAULTS,
) -> bytes:
    """Write a page with its `meta`; *filters* is the beginning of the query, such as `Order=desc&`."""
    start = f"{url}?{filters}PageSize={request.size}"
    number = request.number
    this = _url(start, request.token, number)
    before = "null" if page.backward is None else f'"{_url(start, page.backward, max(0, number - 1))}"'
    after = "null"
    if page.forward is not None:
        after = f'"{this if page_faults.loops else _url(start, page.forward, number + 1)}"'
        if page_faults.next_origin is not None:
            after = f'"{page_faults.next_origin}{after[after.index("/v1/") :]}'
    return (
        f'{{"{key}":[{",".join(rows)}],"meta":{{"page":{number},"page_size":{request.size},'
        f'"first_page_url":"{start}&Page=0","previous_page_url":{before},"url":"{this}","next_page_url":{after},'
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


def _url(start: str, token: PageToken, number: int) -> str:
    # As Twilio writes it: the token directly after the size.
    return f"{start}&Page={number}" if not token.key else f"{start}&PageToken={token.write()}&Page={number}"


def _whole_number(text: str, name: str, *, least: int) -> int:
    if not text.isdecimal() or int(text) < least:
        raise ApiError(400, 20001, f"Invalid parameter: {name} must be a whole number, at least {least}")
    return int(text)
