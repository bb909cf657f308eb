"""``readstate settings``: the effective settings and their origins."""

from typing import Any

import msgspec

from readstate.errors import ExitCode
from readstate.settings.account import SECRETS
from readstate.settings.secret_sources import shown
from readstate_jobs.cli.options import settings_from
from readstate_jobs.output.terminal import Document, emit, print_table


class Setting(msgspec.Struct, frozen=True):
    """A setting, and where it comes from."""

    value: Any
    origin: str = msgspec.field(name="from")


class Settings(Document, tag="settings/1"):
    """Of ``settings``."""

    settings: dict[str, Setting]
    profile: str | None
    twilio: dict[str, Setting]


def carry_out(*, as_json: bool, **options: Any) -> int:
    """Carry out ``readstate settings`` and return its exit code."""
    effective = settings_from(options)
    values = effective.settings.shown()
    account = effective.account
    found = Settings(
        settings={name: Setting(value, effective.origins[name]) for name, value in values.items()},
        profile=account.profile,
        twilio={
            name: Setting(_masked(name, value), account.origin(name))
            for name, value in account.variables.items()
            if value
        },
    )
    emit(found, lambda: _show(found), as_json=as_json)
    return ExitCode.DONE


def _show(found: Settings) -> None:
    for kind, settings in (("setting", found.settings), ("Twilio's variable", found.twilio)):
        rows = [[name, _as_written(setting.value), setting.origin] for name, setting in settings.items()]
        print_table(rows or [["none is set", "", ""]], header=[kind, "value", "from"])


def _as_written(value: object) -> str:
    """Return *value* as it would be written in the environment or the file."""
    return str(value).lower() if isinstance(value, bool) else str(value) or "-"


def _masked(name: str, value: str) -> str:
    if name in SECRETS or name.endswith("_COMMAND"):  # the arguments of a command may hold a secret
        return "set, not shown"
    return f"{value[:2]}…{value[-4:]}" if name in {"TWILIO_ACCOUNT_SID", "TWILIO_API_KEY"} else shown(value)
