"""Page by page through a list: what to ask next, and when to stop. Pure.

Twilio pages by opaque tokens. A token is taken only from ``meta.next_page_url``, and of that address only the
query is used: never its host, port, scheme or path, so that credentials stay on the configured origin.
"""

import re
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, urlsplit

import msgspec

from pipeline.errors import UnusableAnswer
from pipeline.twilio.request import Request
from pipeline.twilio.response import Response

_KEY = b'"next_page_url"'
# A quote inside a JSON string is always escaped, so the bytes of _KEY stand only where a key stands.
_VALUE = re.compile(rb'"next_page_url"\s*:\s*(?:null|"([^"\\]*)")')


class Meta(msgspec.Struct):
    """The part of a list's envelope that paging needs."""

    next_page_url: str | None = None
    page_size: int | None = None


class _Envelope(msgspec.Struct):
    meta: Meta


def next_page_url(response: Response) -> str | None:
    """Find the address of the next page without decoding the whole body. Raises `UnusableAnswer`."""
    body = response.body
    if body.count(_KEY) == 1 and (match := _VALUE.search(body, body.rfind(_KEY))):
        return match[1].decode("ascii", "replace") if match[1] is not None else None
    meta: Meta = response.json(_Envelope).meta
    return meta.next_page_url


@dataclass(slots=True)
class Pages:
    """The walk through one list: gives requests one after the other, and refuses to walk in circles."""

    request: Request | None
    """What to ask now; None when the list is done."""
    _seen: set[tuple[tuple[str, str], ...]] = field(default_factory=set)

    def advance(self, next_url: str | None) -> None:
        """Go on to the page that *next_url* tells. Raises `UnusableAnswer` where the list would repeat itself."""
        assert self.request is not None, "the list is done"
        if next_url is None:
            self.request = None
            return
        following = follow(self.request, next_url)
        position = tuple(pair for pair in following.query if pair[0] != "PageSize")
        if position in self._seen or not any(name == "PageToken" for name, _ in position):
            raise UnusableAnswer(
                f"GET {self.request.path}: the list leads back to a page already read, or names no page token"
            )
        self._seen.add(position)
        self.request = following

    def shrink(self) -> int | None:
        """Ask for half as many rows from here on and give the new size; None where it was one row already."""
        assert self.request is not None, "the list is done"
        query = dict(self.request.query)
        size = int(query.get("PageSize", "1"))
        if size <= 1:
            return None
        query["PageSize"] = str(size // 2)
        self.request = replace(self.request, query=tuple(query.items()))
        return size // 2


def follow(request: Request, next_url: str) -> Request:
    """Give the request for the page after *request*: its own path and size, the rest of the query from *next_url*."""
    query = dict(parse_qsl(urlsplit(next_url).query, keep_blank_values=True))
    own_size = dict(request.query).get("PageSize")
    if own_size is not None:
        query["PageSize"] = own_size
    return replace(request, query=tuple(query.items()))
