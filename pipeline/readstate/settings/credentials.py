"""Twilio's credentials, of the environment or a profile, never of a command line: every user can read that."""

import os
import re
from pathlib import Path

from msgspec import Struct

from readstate.errors import NotPermitted
from readstate.settings.account import SECRETS, Account, account_in, key_of
from readstate.settings.secret_sources import SOURCES, file_of

_QUOTES = tuple("'\"`‘’“”„«»")


class Credentials(Struct, frozen=True):
    """A user name and a secret for HTTP Basic authentication; the secret is never shown."""

    account_sid: str | None
    """None where an API key is used without naming its account: the API returns it."""
    username: str
    secret: str
    origin: str = "given"
    """Where the secret comes from, for people."""
    file: Path | None = None
    """The file that the secret was read from, if it was."""

    def __repr__(self) -> str:
        return f"Credentials({self.masked()})"

    def masked(self) -> str:
        """Return the user name without its middle: ``SK…4f2a``."""
        return f"{self.username[:2]}…{self.username[-4:]}"

    @property
    def key_suffix(self) -> str:
        """The last four characters of the API key; empty where the account's auth token is used."""
        return self.username[-4:] if self.username.startswith("SK") else ""


def load_credentials(account: Account | None = None) -> Credentials:
    """Return the API key of *account* (that of the environment), or its auth token if it has none.

    The secret is read from where it is kept. Raise `NotPermitted`, in words that do not repeat it.
    """
    account = account_in(os.environ) if account is None else account
    for name in ("TWILIO_ACCOUNT_SID", "TWILIO_API_KEY", *SECRETS):
        _require_clean(account.get(name) or "", account.label(name))
    sid, key = account.get("TWILIO_ACCOUNT_SID"), account.get("TWILIO_API_KEY")
    key_secret, token = _source(account, "TWILIO_API_SECRET"), _source(account, "TWILIO_AUTH_TOKEN")
    if bool(key) != bool(key_secret):
        # Also where the auth token is there: the key was meant, and it may be restricted where the token is not.
        there, missing = (key_secret or "TWILIO_API_KEY"), ("TWILIO_API_KEY" if key_secret else "TWILIO_API_SECRET")
        raise NotPermitted(
            f"{account.label(missing)} is not set, and {account.label(there)} is",
            hint=f"An API key is a pair: set both, or remove {account.label(there)}.",
        )
    if key and key_secret:
        return _with_secret(account, sid, key, key_secret)
    if sid and token:
        return _with_secret(account, sid, sid, token)
    if account.profile:
        raise NotPermitted(
            f"{account.profile} has no credentials",
            hint="Give it api_key and api_secret_file, or account_sid and auth_token_file.",
        )
    raise NotPermitted(
        "no Twilio credentials in the environment",
        hint="Export TWILIO_API_KEY and TWILIO_API_SECRET (or TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN).\n"
        "To try without an account: readstate demo",
    )


def _source(account: Account, secret: str) -> str | None:
    """Return the variable that is *secret*, or says where it is kept. Raise `NotPermitted` if there are several."""
    found = [name for form in ("", *SOURCES) if account.get(name := secret + form)]
    if len(found) > 1:
        raise NotPermitted(f"{' and '.join(map(account.label, found))} are both set", hint="Keep only one of them.")
    return found[0] if found else None


def _with_secret(account: Account, sid: str | None, username: str, source: str) -> Credentials:
    """Return credentials with the secret that the variable *source* is, or from where it says. Raise `NotPermitted`."""
    value, label, origin = account.variables[source], account.label(source), account.origin(source)
    kind = next((kind for kind in SOURCES if source.endswith(kind)), None)
    if kind is None:
        return Credentials(sid, username, value, origin)
    secret = SOURCES[kind](value, label)
    wrong = _blemish(secret) if secret else "is empty"
    if wrong is not None:
        raise NotPermitted(f"{label}: the secret kept there {wrong}; nothing was sent")
    key = f": {key_of(source)}" if account.profile else ""
    return Credentials(sid, username, secret, f"{origin}{key}", file_of(value) if kind == "_FILE" else None)


def _require_clean(value: str, label: str) -> None:
    """Raise `NotPermitted` for a value with something around it or in it that is no part of a SID or a secret."""
    if (wrong := _blemish(value)) is not None:
        raise NotPermitted(
            f"{label} {wrong}; nothing was sent",
            hint="Files of variables for Docker and systemd keep quotes and blanks as they are. To see what is\n"
            f"around the value without the value:  printenv {label} | tr '[:alnum:]' x | cat -A",
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
