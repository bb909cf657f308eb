"""Options that several commands share, and the settings that come of them."""

from collections.abc import Callable, Mapping
from datetime import date
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

import click

from readstate.errors import BadInput
from readstate.model.ids import is_sid
from readstate.model.quantities import Allowance, parse_allowance, parse_date, parse_duration
from readstate.settings.settings import EffectiveSettings, Settings, load_settings
from readstate_jobs.cli.account import add_to_environment
from readstate_jobs.help.file_name import FileName
from readstate_jobs.output.messages import command_line

Command = TypeVar("Command", bound=Callable[..., Any])
Parsed = TypeVar("Parsed")

_DEFAULTS = Settings()
_NAMES = (
    "base_url", "work_dir", "max_in_flight", "max_rate", "production_first", "shared_pace",
    "metrics_file", "log_format", "writes_per_second", "max_failed_users", "on_incomplete",
)  # fmt: skip


class LocalPath(click.Path):
    """A path on this machine, and no address: ``s3://bucket/x`` would become a folder ``s3:`` here."""

    def __init__(self, **how: Any) -> None:
        super().__init__(path_type=Path, **how)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if "://" in str(value):
            self.fail("this is an address; only a path on this machine is accepted here", param, ctx)
        return super().convert(value, param, ctx)


def together(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Return a decorator that adds *options* to a command, in this order."""

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


_AMOUNTS: Mapping[str, Callable[[str], object]] = {
    "max_outage": parse_duration,
    "max_failed_users": parse_allowance,
}
"""Settings whose text is parsed only when it is used: checked here, before anything is begun."""


class NumberRange(click.FloatRange):
    """Numbers within bounds: not "nan", which no bound keeps out and no guard refuses, and not "inf"."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not isfinite(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


def parse_day(text: str) -> date:
    """Parse a date; a click type, shown as ``YYYY-MM-DD``."""
    return _typed(parse_date, text)


def parse_seconds(text: str) -> float:
    """Parse a duration such as ``5h`` into seconds; a click type."""
    return _typed(parse_duration, text)


def parse_missing(text: str) -> Allowance:
    """Parse a count or a percentage; a click type."""
    return _typed(parse_allowance, text)


def _typed(parse: Callable[[str], Parsed], text: str) -> Parsed:
    try:
        return parse(text)
    except BadInput as error:
        raise click.BadParameter(f"{error.message}. {error.hint}") from None


def require_service_sid(service: str | None) -> None:
    """Raise `BadInput` unless *service*, the one service of a plan, is a SID or not given."""
    if service is None or is_sid(service, "IS"):
        return
    hint = "Leave --service out for the default service." if service == "default" else "A SID is IS and 32 hex digits."
    raise BadInput(f"--service {service}: not a service's SID", hint=hint)


def _note_level(_: click.Context, __: click.Parameter, level: str | None) -> None:
    if level is None:
        return
    line = command_line()
    if line.flags.setdefault("log_level", level) != level:
        raise click.UsageError("-q and -v exclude each other; use one of them")
    line.set_level(level)


def _note_verbosity(context: click.Context, parameter: click.Parameter, times: int) -> None:
    _note_level(context, parameter, (None, "debug", "trace")[min(times, 2)])


def _note_log_file(_: click.Context, __: click.Parameter, path: Path | None) -> None:
    if path is not None:
        line = command_line()
        line.flags["log_file"] = str(path)
        line.open_log(path)


log_options = together(
    click.option("-q", "--quiet", flag_value="error", default=None, callback=_note_level, expose_value=False,
                 help="Print errors only, and the result only if it is not a success."),
    click.option("-v", "--verbose", count=True, callback=_note_verbosity, expose_value=False,
                 help="Print more: each retry and vanished user; -vv: each request."),
    click.option("--log-file", type=LocalPath(dir_okay=False), callback=_note_log_file, expose_value=False,
                 metavar="FILE", help="Also append the log to this file, with the lines that -q does not print."),
)  # fmt: skip
"""How much a command prints, and where to."""


def _note_reporter(_: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is None:
        return
    from readstate_jobs.outcome.ping import Ping  # noqa: PLC0415 - urllib takes as long to import as click
    from readstate_jobs.outcome.reporter import OutcomeReporter  # noqa: PLC0415 - as above

    line = command_line()
    line.reporter = line.reporter or OutcomeReporter()
    if parameter.name == "ping":
        line.reporter.ping = Ping(value)
    else:
        line.reporter.end_command = value


outcome_options = together(
    click.option("--ping", metavar="URL", callback=_note_reporter, expose_value=False,
                 help="Tell a monitoring service: URL/start, then URL or URL/fail."),
    click.option("--on-end", metavar="COMMAND", callback=_note_reporter, expose_value=False,
                 help="Run this in a shell at the end, with the outcome in ON_END_… and as JSON on stdin."),
)  # fmt: skip
"""Who is to hear how a command ended that runs unattended."""

_configuration_options = together(
    click.option("--config", type=LocalPath(), help="A TOML file of settings."),
    click.option("--profile", metavar="NAME", help="Use the section [profiles.NAME] of the settings file."),
    click.option("--env-file", type=LocalPath(), callback=add_to_environment, is_eager=True, expose_value=False,
                 help="A file of environment variables, NAME=value. Variables that are set already keep their value."),
)  # fmt: skip
_work_dir_option = click.option(
    "--work-dir", type=FileName(), help="The folder for unfinished work and runs. [default: ~/.local/state/readstate]"
)
_observation_options = together(
    click.option("--metrics-file", type=FileName(),
                 help="Write Prometheus text format here, every 15 s and at the end."),
    click.option("--log-format", type=click.Choice(["text", "json"]),
                 help=f"The format of log lines. [default: {_DEFAULTS.log_format}]"),
    log_options,
)  # fmt: skip

runs_options = together(_configuration_options, _work_dir_option)
"""Where runs are; `work_dir_from` reads them."""

work_options = together(_configuration_options, _work_dir_option, _observation_options)
"""The options of what works without talking to Twilio; `settings_from` reads them."""

connection_options = together(
    _configuration_options,
    click.option("--base-url", help="Send requests here instead of to Twilio: a simulator or a proxy."),
    _work_dir_option,
    click.option("--max-in-flight", type=int,
                 help=f"At most so many concurrent requests. [default: {_DEFAULTS.max_in_flight}]"),
    click.option("--max-rate", type=float,
                 help=f"At most so many requests a second; 0 is no limit. [default: {_DEFAULTS.max_rate:g}]"),
    click.option("--production-first", is_flag=True, default=None, help="Leave more room to other traffic."),
    click.option("--shared-pace", type=FileName(),
                 help="A file or redis:// URL through which processes share one rate limit."),
    _observation_options,
)  # fmt: skip
"""The options of everything that talks to Twilio; `settings_from` reads them."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON document on stdout.")

unattended_options = together(json_option, outcome_options, connection_options)
"""What every command has that asks Twilio and is run by schedulers."""

completeness_options = together(
    click.option("--max-failed-users", metavar="N|P%", help="How many users may fail. [default: 0.1%]"),
    click.option("--allow-missing", type=parse_missing, metavar="N|P%",
                 help="How many users of the --users file may be unknown. [default: 1%, at least 1]"),
    click.option("--on-incomplete", type=click.Choice(["publish", "refuse"]),
                 help="What to do if more failed. [default: publish]"),
)  # fmt: skip
"""What a snapshot may lack; `settings_from` reads them, but ``allow_missing``."""

users_option = click.option(
    "--users", "users_file", type=FileName(), metavar="FILE",
    help="Only these users: a .csv, .txt or .parquet file, or - for stdin.",
)  # fmt: skip


def plan_argument(command: Command) -> Command:
    """Add to *command* the argument PLAN: a folder, or an id below the folder of all plans, or ``last``."""
    return click.argument("plan", type=FileName(), metavar="PLAN")(plans_option(command))


def plans_option(command: Command) -> Command:
    """Add to *command* the option that says where plans are found."""
    return _plans("--plans", help="The folder in which a PLAN given by its id, or by 'last', is found.")(command)


def plans_output_option(command: Command) -> Command:
    """Add to *command* the option that says where a plan is written."""
    return _plans("-o", "--out", help="The folder of plans, in which the plan gets a folder of its own.")(command)


def _plans(*flags: str, help: str) -> Callable[[Command], Command]:  # noqa: A002 - as click calls it
    folder = LocalPath(file_okay=False, readable=False)  # what cannot be read is told when it is read
    return click.option(*flags, "root", type=folder, default=Path("plans"), show_default=True, help=help)


def work_dir_from(**options: Any) -> Path:
    """Return the folder that the options of `runs_options`, or the settings, name."""
    effective = _load(options, {"work_dir": options["work_dir"]})
    _print_warnings(effective)
    return Path(effective.settings.work_dir)


def settings_from(options: dict[str, Any]) -> EffectiveSettings:
    """Remove the options that are settings from *options*, and return what they result in. Raise `BadInput`."""
    flags = {name: options.pop(name) for name in _NAMES if name in options}
    effective = _load(options, flags | command_line().flags)
    for name, parse in _AMOUNTS.items():
        try:
            parse(getattr(effective.settings, name))
        except BadInput as error:
            raise BadInput(f"{effective.origins[name]}: {name}: {error.message}", hint=error.hint) from error
    command_line().use(effective.settings)
    _print_warnings(effective)
    return effective


def _load(options: dict[str, Any], flags: Mapping[str, Any]) -> EffectiveSettings:
    return load_settings(
        flags=flags,
        config=options.pop("config", None),
        profile=options.pop("profile", None),
        env_files=command_line().env_files,
    )


def _print_warnings(effective: EffectiveSettings) -> None:
    for warning in effective.warnings:
        command_line().print_message(warning, level="warning")
