"""A command whose help has its options in groups, and examples."""

import re
from importlib import import_module
from types import ModuleType
from typing import Any

import click

from readstate_jobs.help.commands import COMMAND_GROUPS, COMMANDS

_RANGE = re.compile(r"(; |\s*\[)[\d.<=]*x[<>=]+[\d.]+\]$")
"""What click adds for a range of numbers, ``[x>=0]``: a wrong number is refused with the same words."""

_GROUPS = {
    "Which users and conversations": (
        "services", "service", "users_file", "all_users", "limit_users", "states", "unread_at_least", "muted",
        "updated_before", "exclude_file", "shard", "run_id",
    ),
    "Safety": (
        "max_failed_users", "allow_missing", "on_incomplete", "on_invalid", "mode", "allow_rewind", "allow_first_set",
        "allow_beyond_latest", "allow_closed", "confirm_deletes", "max_deletes", "max_deletes_per_conversation",
        "allow_user_wipeout", "allow_missing_percent", "allow_partial_plan", "max_rows", "canary", "canary_pause",
        "max_errors", "max_drift", "on_drift",
    ),
    "Stopping, resuming, repeating": ("deadline", "grace", "go_on", "again", "restart"),
    "Unclear answers and delays": ("max_precondition_age", "settle", "breaker", "max_throttled"),
    "Faults and behaviour": ("like", "faults", "behaviours"),
    "Pace": ("max_in_flight", "max_rate", "writes_per_second", "production_first", "shared_pace"),
    "Settings and connection": ("config", "profile", "env_file", "base_url", "work_dir", "port", "certificate"),
    "Output": (
        "columns", "drop_pii", "csv", "delta", "compare_with", "form", "as_csv", "raw", "markdown", "show_pii", "excel",
        "as_json", "detailed_exitcode", "with_exit_code", "metrics_file", "log_format", "log_file", "quiet", "verbose",
        "ping", "on_end",
    ),
}  # fmt: skip
"""Parameters by the title under which help lists them; all others come first."""

_TITLES = {name: title for title, names in _GROUPS.items() for name in names}


class GroupedCommand(click.Command):
    """A command of readstate; the function `carry_out` of the module *job*, imported only then, carries it out.

    Its name, options and help are those of the function that it is made of; its examples stand in `COMMANDS`.
    """

    def __init__(self, *args: Any, job: str, **more: Any) -> None:
        super().__init__(*args, **more)
        self._job = f"readstate_jobs.{job}"

    def job(self) -> ModuleType:
        """Import the module that carries the command out."""
        return import_module(self._job)

    def invoke(self, ctx: click.Context) -> Any:
        """Carry the command out and return its exit code."""
        return ctx.invoke(self.job().carry_out, **ctx.params)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options in groups, in the order of the groups."""
        found: dict[str, list[tuple[str, str]]] = {title: [] for title in ("Options", *_GROUPS)}
        for parameter in self.get_params(ctx):
            is_option = isinstance(parameter, click.Option)
            if is_option and (record := parameter.get_help_record(ctx)) is not None:
                flags, text = record
                title = _TITLES.get(parameter.name or "", "Options")
                found[title].append((flags, _RANGE.sub(lambda cut: "]" if cut[1] == "; " else "", text)))
        for title, records in found.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, each as one line, whatever its length: so that it can be copied."""
        if ctx.info_name in COMMANDS:
            with formatter.section("Examples"):
                for example in COMMANDS[ctx.info_name].examples:
                    program = "" if example.startswith("eval") else "readstate "
                    formatter.write(f"{'':>{formatter.current_indent}}{program}{example}\n")


def load(name: str) -> GroupedCommand:
    """Import the command *name* of `COMMANDS`, but not its job."""
    (module,) = [module for module, group in COMMAND_GROUPS.items() if name in group.commands]
    declared = import_module(f"readstate_jobs.commands.{module}")
    command: GroupedCommand = getattr(declared, name.replace("-", "_"))
    return command
