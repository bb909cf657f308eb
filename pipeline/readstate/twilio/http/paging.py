"""Pagination of a list: where the next page is, and the request for it. Pure.

Twilio pages by opaque tokens. A token is taken only from ``meta.next_page_url``, and of that address only the
query is used: never its host, port, scheme or path, so that credentials stay on the configured origin.
"""

import re
from urllib.parse import parse_qsl

import msgspec
from msgspec.structs import replace

from readstate.errors import UnusableAnswer
from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response

_LONGEST_META = 4096
_SIZE = re.compile("[1-9][0-9]{0,3}")

MAX_TOKEN_CHARACTERS = 4096
"""Of a page token. Twilio's have about 200, and servers refuse an address of more than 8 000."""


class PageMeta(msgspec.Struct, gc=False):
    """The addresses in the ``meta`` of a page."""

    url: str | None = None
    next_page_url: str | msgspec.UnsetType | None = msgspec.UNSET


class _EnvelopeEnd(msgspec.Struct, gc=False):
    meta: PageMeta


class _Meta(msgspec.Struct):
    next_page_url: str | None
    """Has no default: an envelope without this field is an error, not the end of the list."""


class _Envelope(msgspec.Struct):
    meta: _Meta


_DECODER = msgspec.json.Decoder(_EnvelopeEnd)


def page_meta(body: bytes) -> PageMeta:
    """Return the addresses in the ``meta`` at either end of *body*; none where it cannot be read there.

    The rest is not decoded, so that this costs the same for any page.
    """
    # Inside a JSON string a quote is escaped, so these bytes are a key or a whole value. From there to the end is one
    # object without its beginning only where they are a key of the envelope; likewise up to the first brace.
    found = _decoded(b"{" + body[body.rfind(b'"meta"', -_LONGEST_META) :])
    return found or _decoded(body[: body.find(b"}", 0, _LONGEST_META) + 1] + b"}") or PageMeta()


def _decoded(envelope: bytes) -> PageMeta | None:
    try:
        return _DECODER.decode(envelope).meta
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def next_page_url(response: Response) -> str | None:
    """Return the address of the next page. Raises `UnusableAnswer`."""
    found = page_meta(response.body).next_page_url
    return response.json(_Envelope).meta.next_page_url if found is msgspec.UNSET else found


def follow(request: Request, next_url: str) -> Request:
    """Return the request for the page after *request*: its own path, the query of *next_url*, the smaller page size.

    Raises `UnusableAnswer` where *next_url* names no page token, or one that is too long.
    """
    query = dict(parse_qsl(next_url.partition("#")[0].partition("?")[2], keep_blank_values=True))
    if not query.get("PageToken"):
        raise UnusableAnswer(f"GET {request.path}: the address of the next page holds no page token")
    if len(query["PageToken"]) > MAX_TOKEN_CHARACTERS:
        raise UnusableAnswer(f"GET {request.path}: the page token is longer than {MAX_TOKEN_CHARACTERS} characters")
    own, theirs = dict(request.query).get("PageSize"), query.get("PageSize", "")
    if own is not None:
        query["PageSize"] = str(min(int(own), int(theirs))) if _SIZE.fullmatch(theirs) else own
    return replace(request, query=tuple(query.items()))


def smaller_page(request: Request) -> tuple[Request, int] | None:
    """Return *request* for a quarter of its rows, and that number; None where it asks for one row, or for no number.

    Large pages are known to make Twilio answer 500. Twilio repeats the size in its address of the next page, so the
    list goes on in small pages.
    """
    query = dict(request.query)
    size = int(query.get("PageSize", "1"))
    if size <= 1:
        return None
    smaller = max(1, size // 4)
    return replace(request, query=tuple((query | {"PageSize": str(smaller)}).items())), smaller
