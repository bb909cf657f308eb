"""How a request fails without a usable answer: the same words, whichever transport sent it."""

import os

from readstate.errors import NotSent, Unanswered, UnusableAnswer
from readstate.twilio.http.request import Request


def cannot_connect(request: Request, base_url: str, reason: BaseException | str) -> NotSent:
    """No byte of *request* left."""
    return NotSent(
        f"{request.method} {request.path}: cannot connect to {base_url}: {_worded(reason)}",
        hint="Check the network, and the address that readstate settings shows as base_url.",
    )


def no_whole_answer(request: Request, reason: BaseException | str) -> Unanswered:
    """*request* left, in part at least, and what became of it is unknown."""
    return Unanswered(f"{request.method} {request.path}: no whole answer: {_worded(reason)}")


def too_large(request: Request, max_body_bytes: int) -> UnusableAnswer:
    """*request* was answered at greater length than there is room for."""
    return UnusableAnswer(
        f"{request.method} {request.path}: the body is larger than {max_body_bytes >> 20} MB",
        hint="Raise max_body_megabytes if that can be right.",
    )


def _worded(reason: BaseException | str) -> str:
    match reason:
        case str():
            return reason
        case ConnectionError(errno=int(number)):
            # Libraries put the address into its text, which is said already.
            return os.strerror(number)
        case _:
            return f"{type(reason).__name__}: {reason}" if str(reason) else type(reason).__name__
