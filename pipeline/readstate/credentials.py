"""Twilio's credentials, from the environment alone: a command line can be read by every user of the machine."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from readstate.errors import NotPermitted

_VARIABLES = ("TWILIO_ACCOUNT_SID", "TWILIO_API_KEY", "TWILIO_API_SECRET", "TWILIO_AUTH_TOKEN")
_QUOTES = tuple("'\"`‘’“”„«»")


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and a secret for HTTP Basic authentication; the secret is never shown."""

    account_sid: str | None
    """None where an API key is used without naming its account: the API returns it."""
    username: str
    secret: str

    def __repr__(self) -> str:
        return f"Credentials({self.masked()})"

    def masked(self) -> str:
        """Return the user name without its middle: ``SK…4f2a``."""
        return f"{self.username[:2]}…{self.username[-4:]}"

    @property
    def key_suffix(self) -> str:
        """The last four characters of the API key; empty where the account's auth token is used."""
        return self.username[-4:] if self.username.startswith("SK") else ""


def load_credentials(environ: Mapping[str, str] | None = None) -> Credentials:
    """Return the API key of the environment, or the account's auth token where there is none. Raise `NotPermitted`."""
    environ = os.environ if environ is None else environ
    _require_clean(environ)
    account = environ.get("TWILIO_ACCOUNT_SID") or None
    key, key_secret = environ.get("TWILIO_API_KEY"), environ.get("TWILIO_API_SECRET")
    token = environ.get("TWILIO_AUTH_TOKEN")
    if bool(key) != bool(key_secret):
        # Also where the auth token is there: the key was meant, and it may be restricted where the token is not.
        there, missing = ("TWILIO_API_KEY", "TWILIO_API_SECRET")[:: 1 if key else -1]
        raise NotPermitted(
            f"{missing} is not set, and {there} is", hint=f"An API key is a pair: export both, or unset {there}."
        )
    if key and key_secret:
        return Credentials(account, key, key_secret)
    if account and token:
        return Credentials(account, account, token)
    raise NotPermitted(
        "no Twilio credentials in the environment",
        hint="Export TWILIO_API_KEY and TWILIO_API_SECRET (or TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN).\n"
        "To try without an account: readstate demo",
    )


def _require_clean(environ: Mapping[str, str]) -> None:
    """Raise `NotPermitted` for a value with something around it or in it that is no part of a SID or a secret."""
    for name in _VARIABLES:
        if (wrong := _blemish(environ.get(name) or "")) is not None:
            raise NotPermitted(
                f"{name} {wrong}; nothing was sent",
                hint="Files of variables for Docker and systemd keep quotes and blanks as they are. To see what is\n"
                f"around the value without the value:  printenv {name} | tr '[:alnum:]' x | cat -A",
            )


def _blemish(value: str) -> str | None:
    """Return what is wrong with *value*, in words that do not repeat it, or None."""
    if value[:1] in _QUOTES or value[-1:] in _QUOTES:
        return "has a quotation mark at its beginning or end"
    if value.endswith(("\n", "\r")):
        return "ends with a line end"
    if value != value.strip():
        return "has a blank at its beginning or end"
    # Basic authentication ends a user name at a colon.
    if not re.fullmatch("[!-9;-~]*", value):
        return "holds a blank, a line end or another character that no SID and no secret of Twilio has"
    return None
