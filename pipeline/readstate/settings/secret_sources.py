"""Where a secret is kept: a file, another variable, or a command that prints it. No message repeats the secret."""

import os
import shlex
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from readstate.errors import NotPermitted

_COMMAND_SECONDS = 60.0
"""A person may have to type a passphrase or to touch a key."""

_SECRET_LENGTH = 32
"""Twilio's secrets are 32 letters and digits."""


def file_of(place: str) -> Path:
    """Return the file *place*, with the home folder for a leading ``~`` where there is one."""
    return Path(os.path.expanduser(place))  # noqa: PTH111 - Path.expanduser raises where there is none


def secret_in_file(place: str, label: str) -> str:
    """Return the content of the file *place* without the line end at its end. Raise `NotPermitted`."""
    try:
        return file_of(place).read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise NotPermitted(
            f"{label}: {shown(place)}: {error.strerror}",
            hint="It must be a file that this user can read.",
        ) from error
    except UnicodeDecodeError as error:
        raise NotPermitted(f"{label}: {shown(place)}: not a text") from error


def secret_in_variable(place: str, label: str) -> str:
    """Return the value of the environment variable *place*. Raise `NotPermitted`."""
    if value := os.environ.get(place):
        return value
    raise NotPermitted(f"{label}: the variable {shown(place)} is not set", hint="Export it, or correct its name.")


def secret_of_command(place: str, label: str) -> str:
    """Return the first line that the command *place* prints; no shell reads it. Raise `NotPermitted`.

    What it prints is never repeated, and neither are its arguments: either may hold a secret.
    """
    try:
        words = shlex.split(place)
    except ValueError as error:
        raise NotPermitted(f"{label}: not a command: {str(error).lower()}") from error
    name = shown(words[0]) if words else ""
    try:
        # stdin may be the changes file of `readstate plan -`.
        ended = subprocess.run(  # noqa: S603 - a person has written it into a file of their own
            words, stdin=subprocess.DEVNULL, capture_output=True, timeout=_COMMAND_SECONDS, check=False
        )
    except (OSError, IndexError, ValueError) as error:
        raise NotPermitted(f"{label}: {name} cannot be run: {getattr(error, 'strerror', 'no command')}") from error
    except subprocess.TimeoutExpired:
        raise NotPermitted(f"{label}: {name} has not ended within {_COMMAND_SECONDS:g} s") from None
    if ended.returncode != 0:
        raise NotPermitted(
            f"{label}: {name} failed with exit code {ended.returncode}; what it printed is not shown",
            hint="Run the command by hand to see why.",
        )
    return ended.stdout.decode(errors="replace").rstrip("\r\n")


SOURCES: Mapping[str, Callable[[str, str], str]] = {
    "_FILE": secret_in_file,
    "_COMMAND": secret_of_command,
    "_ENV": secret_in_variable,
}
"""How each kind of reference is read."""


def shown(place: str) -> str:
    """Return *place* for people, unless it could be the secret itself, written where its place belongs."""
    return place if "/" in place or len(place) < _SECRET_LENGTH else "(not shown: it may be the secret itself)"
