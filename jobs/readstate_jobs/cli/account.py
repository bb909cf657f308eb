"""The account of a command: the variables of ``--env-file``, and the credentials."""

import os
from pathlib import Path
from stat import S_IROTH

import click

from readstate.settings.credentials import Credentials, load_credentials
from readstate.settings.env_file import read_env_file
from readstate.settings.settings import EffectiveSettings
from readstate_jobs.cli.secrets_in_environment import require_no_secrets
from readstate_jobs.output.messages import command_line


def add_to_environment(_context: click.Context, _option: click.Parameter, path: Path | None) -> None:
    """Set the variables of the file *path*, but those that are set already; what ``--env-file`` does."""
    if path is None:
        return
    for name, value in read_env_file(path).items():
        if name not in os.environ:
            os.environ[name] = value
            command_line().env_files[name] = str(path)
    warn_if_others_may_read(path)
    require_no_secrets(command_line().words)


def credentials_of(effective: EffectiveSettings) -> Credentials:
    """Return the credentials of the account that *effective* names, read from where they are. Raise `NotPermitted`."""
    credentials = load_credentials(effective.account)
    command_line().secrets.append(credentials.secret)
    require_no_secrets(command_line().words, command_line().secrets)
    if credentials.file is not None:
        warn_if_others_may_read(credentials.file)
    return credentials


def warn_if_others_may_read(path: Path) -> None:
    """Warn at once where every user of this machine can read the file at *path*."""
    if path.exists() and path.stat().st_mode & S_IROTH:
        command_line().print_message(
            f"{path}: every user of this machine can read this secret", level="warning", hint=f"chmod o-r {path}"
        )
