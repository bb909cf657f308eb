"""``readstate settings``: the effective settings and their origins."""

from typing import Any

import click

from readstate.errors import ExitCode
from readstate.settings.account import SECRETS
from readstate.settings.secret_sources import shown
from readstate_jobs.cli.options import connection_options, json_option, settings_from
from readstate_jobs.help.command import GroupedCommand
from readstate_jobs.output.terminal import print_json, print_table


@click.command(cls=GroupedCommand)
@json_option
@connection_options
def command(*, as_json: bool, **options: Any) -> int:
    """Show the effective settings and the origin of each; secrets are masked."""
    effective = settings_from(options)
    values = effective.settings.shown()
    account = effective.account
    masked = {name: (_masked(name, value), account.origin(name)) for name, value in account.variables.items() if value}
    if as_json:
        print_json(
            {
                "schema": "settings/1",
                "settings": {name: {"value": values[name], "from": effective.origins[name]} for name in values},
                "profile": account.profile,
                "twilio": {name: {"value": value, "from": origin} for name, (value, origin) in masked.items()},
            }
        )
        return ExitCode.DONE
    rows = [[name, _as_written(values[name]), effective.origins[name]] for name in values]
    print_table(rows, header=["setting", "value", "from"])
    account_rows = [[name, *cells] for name, cells in masked.items()] or [["none is set", "", ""]]
    print_table(account_rows, header=["Twilio's variable", "value", "from"])
    return ExitCode.DONE


def _as_written(value: object) -> str:
    """Return *value* as it would be written in the environment or the file."""
    return str(value).lower() if isinstance(value, bool) else str(value) or "-"


def _masked(name: str, value: str) -> str:
    if name in SECRETS or name.endswith("_COMMAND"):  # the arguments of a command may hold a secret
        return "set, not shown"
    return f"{value[:2]}…{value[-4:]}" if name in {"TWILIO_ACCOUNT_SID", "TWILIO_API_KEY"} else shown(value)
