"""Addresses of Redis, which may hold a password: checked without repeating it, and shown without it."""

import re

from readstate.errors import BadInput

_LOGIN = r"(?:[A-Za-z0-9._~!$&'()*+,;=:%-]*@)?"
_HOST = r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])"
_QUERY = r"(?:\?[A-Za-z0-9._~!$&'()*+,;=:%/-]*)?"
_TCP = re.compile(rf"(rediss?://){_LOGIN}({_HOST}(?::[0-9]{{1,5}})?(?:/[0-9]{{0,5}})?){_QUERY}")
_SOCKET = re.compile(rf"(unix://){_LOGIN}(/[^?#@]*){_QUERY}")


def is_address(place: str) -> bool:
    """Return whether *place* is an address and not a file."""
    return "://" in place


def without_password(place: str) -> str:
    """Return *place*, a file or an address, without what could be a password, so that it can be shown.

    Of an address that is not well formed nobody can say where its password ends: only its scheme is shown.
    """
    if not is_address(place):
        return place
    known = _TCP.fullmatch(place) or _SOCKET.fullmatch(place)
    return known[1] + known[2] if known else f"{place.partition('://')[0]}://…"


def check_shared_pace(place: str, origin: str) -> None:
    """Raise `BadInput` unless *place* is a file, or an address that a command line may hold if it is a flag."""
    if not is_address(place):
        return
    scheme = place.partition("://")[0]
    if scheme not in {"redis", "rediss", "unix"}:
        raise BadInput(
            f"{origin}: shared_pace must be a file, redis:// or rediss://, not {without_password(place)!r}",
            hint="For example /run/readstate/pace or rediss://redis.example.com:6379/0",
        )
    if origin.startswith("flag") and ("@" in place or "password=" in place):
        raise BadInput(
            f"{origin}: every user of this machine can read a secret on the command line (ps, shell history)",
            hint="Export READSTATE_SHARED_PACE instead.",
        )
    if not (_TCP.fullmatch(place) or _SOCKET.fullmatch(place)):
        raise BadInput(
            f"{origin}: shared_pace is not a valid address; it is not shown, because it may contain a password",
            hint="Write rediss://USER:PASSWORD@HOST:6379/0, and in the password %2F for /, %3F for ?, %23 for #,\n"
            "%40 for @, %5B for [, %5D for ], %20 for a blank and %25 for %.",
        )
