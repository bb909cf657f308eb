"""``readstate settings``: the effective settings and their origins."""

import os
from typing import Any

import click

from readstate.errors import ExitCode
from readstate_jobs.cli.options import connection_options, json_option, settings_from
from readstate_jobs.cli.terminal import print_json, print_table
from readstate_jobs.help.command import GroupedCommand

_TWILIO = (
    "TWILIO_ACCOUNT_SID",
    "TWILIO_AUTH_TOKEN",
    "TWILIO_API_KEY",
    "TWILIO_API_SECRET",
    "TWILIO_EDGE",
    "TWILIO_REGION",
)


@click.command(cls=GroupedCommand)
@json_option
@connection_options
def command(*, as_json: bool, **options: Any) -> int:
    """Show the effective settings and the origin of each; secrets are masked."""
    effective = settings_from(options)
    values = effective.settings.shown()
    masked = {name: _masked(name, os.environ.get(name)) for name in _TWILIO}
    if as_json:
        print_json(
            {
                "schema": "settings/1",
                "settings": {name: {"value": values[name], "from": effective.origins[name]} for name in values},
                "environment": masked,
            }
        )
        return ExitCode.DONE
    rows = [[name, _as_written(values[name]), effective.origins[name]] for name in values]
    print_table(rows, header=["setting", "value", "from"])
    print_table([[name, value or "not set"] for name, value in masked.items()], header=["environment", "value"])
    return ExitCode.DONE


def _as_written(value: object) -> str:
    """Return *value* as it would be written in the environment or the file."""
    return str(value).lower() if isinstance(value, bool) else str(value) or "-"


def _masked(name: str, value: str | None) -> str | None:
    if not value:
        return None
    if name in {"TWILIO_AUTH_TOKEN", "TWILIO_API_SECRET"}:
        return "set, not shown"
    return value if name in {"TWILIO_EDGE", "TWILIO_REGION"} else f"{value[:2]}…{value[-4:]}"
