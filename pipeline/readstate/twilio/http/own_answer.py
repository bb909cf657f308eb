"""Whether an answer is about what was asked for, by the address that it gives itself. Pure.

Only SIDs are compared, of kinds that both addresses name: hosts, escapes, aliases and the service of a path may differ.
"""

import re
from urllib.parse import unquote

import msgspec

from readstate.errors import Unanswered
from readstate.foreign_json import UnusableJson, decode_json
from readstate.twilio.http.paging import page_meta
from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response

_SID = re.compile("[A-Z]{2}[0-9a-fA-F]{32}")
# Twilio's words of a 404: "The requested resource /v1/Users/US… was not found".
_NOT_FOUND = re.compile(r"requested resource (/\S+) was not found")
_LONGEST_REFUSAL = 4096


class _Resource(msgspec.Struct):
    url: str | None = None


class _Refusal(msgspec.Struct):
    message: str | None = None


def require_own(request: Request, response: Response) -> None:
    """Raise `Unanswered` where *response* gives itself the address of another resource than *request* asked for.

    It may be the answer to an earlier request of the connection, or a cache's. An address that is missing, or that
    cannot be read, says nothing.
    """
    address = _address(request, response)
    if address is not None and not is_about(request, address):
        raise Unanswered(f"{request.method} {request.path}: the answer is about another resource: {address:.200}")


def is_about(request: Request, address: str) -> bool:
    """Return whether *address*, absolute or not, may be that of what *request* asks for."""
    path = address.partition("?")[0]
    if path.endswith(request.path):
        return True
    asked, given = _segments(request.path), _segments(re.sub("^[a-z]+://[^/]*", "", path))
    if _is_list(request) and asked[-1:] != given[-1:]:
        return False
    asked_sids, given_sids = _sids(asked), _sids(given)
    return all(asked_sids[kind] == given_sids[kind] for kind in asked_sids.keys() & given_sids.keys())


def _address(request: Request, response: Response) -> str | None:
    if response.ok and _is_list(request):
        return page_meta(response.body).url
    try:
        if response.ok:
            return decode_json(response.body, _Resource).url
        if response.status == 404 and len(response.body) <= _LONGEST_REFUSAL:
            named = _NOT_FOUND.search(decode_json(response.body, _Refusal).message or "")
            return named[1] if named else None
    except UnusableJson:
        pass
    return None


def _is_list(request: Request) -> bool:
    return bool(request.query)  # which nothing else has


def _segments(path: str) -> list[str]:
    return [unquote(segment) for segment in path.split("/") if segment]


def _sids(segments: list[str]) -> dict[str, str]:
    return {segment[:2]: segment.lower() for segment in segments if _SID.fullmatch(segment)}
