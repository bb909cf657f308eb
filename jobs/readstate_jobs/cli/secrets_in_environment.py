"""The secrets of the environment: refused as arguments, and taken out of what is printed about a failure."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import unquote

from readstate.errors import Usage
from readstate.settings.secret_sources import SOURCES

_SECRET_NAME = re.compile(r"(--?)?[a-z_-]*(token|secret|password|api[_-]?key|credential)[a-z_-]*", re.IGNORECASE)
_SWITCHES = frozenset({"--behaviour", "--fault"})
"""Of the simulator, where a name such as `token_form` is no secret's."""
_USER_AND_PASSWORD = re.compile(r"://(.*)@", re.DOTALL)

_SHORTEST_SECRET = 16
"""A shorter one could be part of an ordinary word."""


def require_no_secrets(arguments: Sequence[str], known: Iterable[str] = ()) -> None:
    """Raise `Usage` where *arguments* hold a secret, one that is *known* too, or an option that asks for one."""
    own = {*_own_secrets(), *known}
    for before, argument in zip(("", *arguments), arguments, strict=False):
        name, is_assignment, _ = argument.partition("=")
        if before not in _SWITCHES and _SECRET_NAME.fullmatch(name) and (is_assignment or name.startswith("--")):
            refused = name
        elif any(secret in argument for secret in own if len(secret) >= _SHORTEST_SECRET):
            refused = "one of the arguments"
        else:
            continue
        raise Usage(
            f"{refused}: a secret on the command line can be read by every user of this machine (ps, shell history)",
            hint="Export TWILIO_API_KEY and TWILIO_API_SECRET, or TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN.",
        )


def without_secrets(text: str, known: Iterable[str] = ()) -> str:
    """Return *text*, such as that of an unexpected error, without *known* secrets and those of the environment."""
    for secret in sorted({*_own_secrets(), *_passwords_in_addresses(), *known}, key=len, reverse=True):
        text = text.replace(secret, "(secret)")
    return text


def _own_secrets() -> Iterator[str]:
    return (
        value
        for name, value in os.environ.items()
        if name.startswith("TWILIO_") and _SECRET_NAME.fullmatch(name) and value and not name.endswith(tuple(SOURCES))
    )


def _passwords_in_addresses() -> Iterator[str]:
    """Yield what stands before the last @ of an address, such as those of Redis and of proxies, in every form."""
    for name, value in os.environ.items():
        if name.startswith("READSTATE_") or name.lower().endswith("_proxy"):
            for found in _USER_AND_PASSWORD.findall(value):
                password = found.partition(":")[2] or found
                yield from (form for form in (found, password, unquote(password)) if form)
