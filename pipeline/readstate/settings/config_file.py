"""The file of settings: its top level, and the chosen one of its profiles."""

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from readstate.errors import BadInput
from readstate.settings.account import SECRETS, VARIABLES, Account, key_of

ACCOUNT_KEYS = {key_of(name): name for name in VARIABLES if name not in SECRETS}
_SECRET_KEYS = {key_of(name) for name in SECRETS}


class Configuration(Struct, frozen=True):
    """What a file of settings says."""

    tables: Mapping[str, Mapping[str, Any]]
    """Settings by the origin to be told of them; a later table overrides an earlier one."""
    account: Account | None = None
    """The account of the profile, if it names one."""


def read_configuration(path: Path, profile: str | None) -> Configuration:
    """Return the settings of the file at *path*, and those of its *profile*. Raise `BadInput`."""
    table = _read_toml(path)
    profiles = table.pop("profiles", {})
    if not isinstance(profiles, dict) or not all(isinstance(found, dict) for found in profiles.values()):
        raise BadInput(f"{path}: profiles must be tables", hint="For example [profiles.emea]")
    _check(table, {}, f"{path}")
    for key in ACCOUNT_KEYS.keys() & table.keys():
        raise BadInput(f"{path}: {key} belongs in a profile", hint="For example below a line [profiles.emea]")
    if profile is None:
        return Configuration({f"{path}": table})
    if profile not in profiles:
        nearest = difflib.get_close_matches(profile, profiles, n=1)
        raise BadInput(
            f"{path}: there is no profile {profile!r}" + (f"; did you mean {nearest[0]!r}?" if nearest else ""),
            hint=f"It has {', '.join(sorted(profiles))}." if profiles else f"Add a table [profiles.{profile}].",
        )
    origin = f"{path} [profiles.{profile}]"
    chosen = dict(profiles[profile])
    variables = {ACCOUNT_KEYS[key]: chosen.pop(key) for key in list(chosen) if key in ACCOUNT_KEYS}
    _check(chosen, variables, origin)
    if variables.get("TWILIO_EDGE"):
        chosen.setdefault("base_url", "")  # the edge is more particular than an address at the top level
    account = Account(variables, origin) if variables else None
    return Configuration({f"{path}": table, origin: chosen}, account)


def _check(settings: Mapping[str, object], variables: Mapping[str, object], origin: str) -> None:
    """Raise `BadInput` for a secret in a profile, and for a value that is no text where only texts can be."""
    for key in _SECRET_KEYS & settings.keys():
        raise BadInput(
            f"{origin}: {key}: a settings file must not hold a secret",
            hint=f"Name where it is kept: {key}_file, {key}_command, or {key}_env for the name of a variable.",
        )
    for name, value in variables.items():
        if not isinstance(value, str):
            raise BadInput(f"{origin}: {key_of(name)} must be a text in quotation marks")


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        # Editors of Windows begin a file with a byte order mark, which is no part of its text.
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: not valid TOML: {error}") from error
