"""Pages of a list: what a client asked for, which rows that is, and the links to the pages around it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

from readstate.simulator.api.behaviour import Behaviour
from readstate.simulator.api.page_token import PageToken
from readstate.simulator.api.responses import Refusal
from readstate.simulator.faults.faults import IN_ORDER, PageFaults

Item = TypeVar("Item")


class PageAsked(NamedTuple):
    """What the query of a list request asks for."""

    size: int
    number: int
    token: PageToken


@dataclass(frozen=True, slots=True)
class Listing(Generic[Item]):
    """A list that can be entered at any key, so that rows that come or go meanwhile shift nothing."""

    after: Callable[[str], Iterator[tuple[str, Item]]]
    """Walk up from a key; the empty key is the beginning."""
    before: Callable[[str], Iterator[tuple[str, Item]]]
    """Walk down from a key."""
    get: Callable[[str], Item | None]


class Page(NamedTuple, Generic[Item]):
    """The rows of one page, and how to go on from it in both directions."""

    rows: list[Item]
    forward: PageToken | None
    backward: PageToken | None


def page_asked(query: Mapping[str, str], *, maximum: int, behaviour: Behaviour) -> PageAsked:
    """Understand a query, or refuse it as Twilio would."""
    size = _whole_number(query.get("PageSize", "50"), "PageSize", least=1)
    number = _whole_number(query.get("Page", "0"), "Page", least=0)
    if size > maximum:
        if behaviour.page_size_over_maximum == "reject":
            raise Refusal(400, 20007, f"Page size too large: the maximum page size is {maximum}")
        size = maximum
    text = query.get("PageToken")
    if text is not None:
        token = PageToken.read(text)
        if token is None:
            raise Refusal(400, 21481, "Invalid PageToken")
        return PageAsked(size, number, token)
    if number > 0 and behaviour.page_without_token == "reject":  # noqa: S105 - a choice
        raise Refusal(400, 70002, "Paged requests must include a PageToken")
    return PageAsked(size, 0, PageToken())


def take_page(listing: Listing[Item], asked: PageAsked, disorder: PageFaults = IN_ORDER) -> Page[Item]:
    """Pick the rows of a page."""
    if asked.token.backwards:
        return _take_back(listing, asked)
    after, moved = asked.token.key, asked.token.moved
    candidates = list(islice(listing.after(after), asked.size + 1 + disorder.moves_row))
    if disorder.moves_row and candidates:
        moved = (*moved, candidates.pop(0)[0])
    first: list[Item] = []
    # A page of one row that repeated a row would never come to an end.
    if disorder.repeats_row and asked.size > 1 and (again := listing.get(after)) is not None:
        first = [again]
    room = asked.size - len(first)
    rows = first + [item for _, item in candidates[:room]]
    backward = PageToken(candidates[0][0], backwards=True) if candidates and asked.number else None
    if len(candidates) > room:
        return Page(rows, PageToken(candidates[room - 1][0], moved), backward)
    rows += [item for key in moved if (item := listing.get(key)) is not None]
    return Page(rows, None, backward)


def envelope(
    page: Page[Item],
    asked: PageAsked,
    *,
    key: str,
    rows: list[str],
    url: str,
    filters: str = "",
    disorder: PageFaults = IN_ORDER,
) -> bytes:
    """Write a page with its `meta`; *filters* is the beginning of the query, such as `Order=desc&`."""
    start = f"{url}?{filters}PageSize={asked.size}"
    number = asked.number
    this = _url(start, asked.token, number)
    before = "null" if page.backward is None else f'"{_url(start, page.backward, max(0, number - 1))}"'
    after = "null"
    if page.forward is not None:
        after = f'"{this if disorder.loops else _url(start, page.forward, number + 1)}"'
        if disorder.next_origin is not None:
            after = f'"{disorder.next_origin}{after[after.index("/v1/") :]}'
    return (
        f'{{"{key}":[{",".join(rows)}],"meta":{{"page":{number},"page_size":{asked.size},'
        f'"first_page_url":"{start}&Page=0","previous_page_url":{before},"url":"{this}","next_page_url":{after},'
        f'"key":"{key}"}}}}'
    ).encode()


def next_target(body: bytes) -> str:
    """Find what to ask for after the page in *body*; empty after the last one."""
    _, found, rest = body.rpartition(b'"next_page_url":"')
    return rest[rest.index(b"/v1/") : rest.index(b'"')].decode() if found else ""


def _take_back(listing: Listing[Item], asked: PageAsked) -> Page[Item]:
    found = list(islice(listing.before(asked.token.key), asked.size + 1))
    pairs = found[: asked.size][::-1]
    if not pairs:
        return Page([], None, None)
    return Page(
        [item for _, item in pairs],
        PageToken(pairs[-1][0]),
        PageToken(pairs[0][0], backwards=True) if len(found) > asked.size else None,
    )


def _url(start: str, token: PageToken, number: int) -> str:
    # As Twilio writes it: the token directly after the size.
    return f"{start}&Page={number}" if not token.key else f"{start}&PageToken={token.write()}&Page={number}"


def _whole_number(text: str, name: str, *, least: int) -> int:
    if not text.isdecimal() or int(text) < least:
        raise Refusal(400, 20001, f"Invalid parameter: {name} must be a whole number, at least {least}")
    return int(text)
