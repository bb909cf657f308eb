"""Commands that apply plans, and those about runs: how they are typed, and their help."""

from typing import Any

import click
import msgspec

from readstate.model.guards import Consent
from readstate_jobs.applying.typed_options import TypedOptions
from readstate_jobs.cli.options import (
    NumberRange,
    connection_options,
    json_option,
    log_options,
    outcome_options,
    plan_argument,
    plans_option,
    plans_output_option,
    runs_options,
    together,
    unattended_options,
)
from readstate_jobs.help.command import GroupedCommand

_COUNT = click.IntRange(min=0)


def _option(flag: str, help_text: str, *, defaults: type[msgspec.Struct], name: str | None = None, **more: Any) -> Any:
    """Declare *flag*; its default in *defaults* is shown only, so that `resume` knows what was typed."""
    name = name or flag.removeprefix("--").replace("-", "_")
    default = getattr(defaults(), name)
    if isinstance(default, bool):
        more |= {"is_flag": True}
    elif default is not None:
        help_text += f" [default: {f'{default:g}' if isinstance(default, float) else default}]"
    return click.option(flag, name, default=None, help=help_text, **more)


def _consent(flag: str, help_text: str, **more: Any) -> Any:
    return _option(flag, help_text, defaults=Consent, **more)


def _typed(flag: str, help_text: str, **more: Any) -> Any:
    return _option(flag, help_text, defaults=TypedOptions, **more)


_apply_options = together(
    _consent("--confirm-deletes", "Confirm the removal of exactly N members.", type=_COUNT, metavar="N"),
    _consent("--max-deletes", "Maximum number of removals.", type=_COUNT, metavar="N"),
    _consent("--max-deletes-per-conversation", "Maximum number of removals in one conversation.", type=_COUNT,
             metavar="N"),
    _consent("--allow-user-wipeout", "Apply even if users lose most or all of their conversations."),
    _consent("--allow-missing", "Refuse the plan if more than this share of lines was not found.",
             name="allow_missing_percent", type=NumberRange(0, 100), metavar="PERCENT"),
    _consent("--allow-partial-plan", "Apply even if some lines could not be read during planning."),
    _consent("--max-rows", "Maximum number of changes.", type=_COUNT, metavar="N"),
    _typed("--canary", "Apply this many rows first; all of them must succeed.", type=_COUNT, metavar="N"),
    _typed("--canary-pause", "Ask for confirmation after these first rows."),
    _typed("--verify", "Share of the changed rows to read back.", metavar="P%|all|none"),
    _typed("--max-errors", "Stop if more rows than this fail; a share allows at least 10.", metavar="N|P%"),
    _typed("--max-drift", "Stop if more rows than this have changed since the plan; a share allows at least 10.",
           metavar="N|P%"),
    _typed("--on-drift", "Skip a row that has changed since the plan, or stop the run.",
           type=click.Choice(["skip", "stop"])),
    _typed("--max-precondition-age", "Re-read a row if its check is older than this when the write is sent.",
           metavar="TIME"),
    _typed("--settle", "Wait times before re-checking a row whose write got no clear answer.", metavar="S,S,…"),
    _typed("--breaker", "Pause all writes after N unclear answers in a row, or more than P % of the last 50.",
           metavar="N,P%"),
    _typed("--max-throttled", "Stop if Twilio refuses every request (429) for this long.", metavar="TIME"),
    _typed("--grace", "Time that rows under way may take to finish after a stop.", metavar="TIME"),
    click.option("--writes-per-second", type=float, help="Maximum number of changes per second. [default: 30]"),
    click.option("--excel", is_flag=True, help="Write results.csv with the byte order mark that Excel needs."),
)  # fmt: skip
"""The options of `apply` and `resume`."""


@click.command(cls=GroupedCommand, job="applying.apply")
@plan_argument
@click.option("--go-on", is_flag=True, help="Resume the run of PLAN if there is one: for retries by a scheduler.")
@_apply_options
@unattended_options
def apply() -> None:
    """Carry out PLAN, a plan's folder, its id or "last": what it shows, and nothing else.

    Each row is re-read right before it is changed, and skipped if it has changed since the plan.
    To resume a run that was stopped or killed:  readstate resume RUN
    """


@click.command(cls=GroupedCommand, job="applying.resume")
@click.argument("run", metavar="RUN")
@_apply_options
@unattended_options
def resume() -> None:
    """Resume RUN, a run's folder, its id or "last", with the plan and the consent that it was started with.

    Rows that may have been sent are read back before anything is sent again; failed rows are tried once more.
    """


@click.command(cls=GroupedCommand, job="runs.status")
@click.argument("run", metavar="[RUN]", required=False)
@runs_options
@plans_option
@click.option("--watch", "watches", is_flag=True, help="Show it again every 2 seconds, until nothing runs any more.")
@click.option("--exit-code", "with_exit_code", is_flag=True, help="Exit with the code that RUN itself would have.")
@json_option
def status() -> None:
    """Show how far RUN is, or all unfinished exports, runs and plans. Nothing is sent, and nothing is disturbed.

    RUN is a folder, an id, or "last".
    """


@click.command(cls=GroupedCommand, job="runs.verify")
@click.argument("run", metavar="RUN")
@click.option("--sample", default="all", show_default=True, metavar="P%|all", help="The share of rows to check.")
@unattended_options
def verify() -> None:
    """Read back the rows that RUN has changed, and count which still have its values. Nothing is changed.

    Exit code 3: some rows are as they were before the run; 4: some have another value or are gone; 5: some cannot be
    read. Rows whose users have read further since are no difference.
    """


@click.command(cls=GroupedCommand, job="runs.undo")
@click.argument("run", metavar="RUN")
@plans_output_option
@click.option(
    "--first-set-to", type=click.IntRange(min=0), metavar="INDEX",
    help="The new value of a read horizon that was not set before the run: it cannot be cleared. [default: leave it]",
)  # fmt: skip
@json_option
@connection_options
def undo() -> None:
    """Plan the reversal of RUN, for the rows that still have the value that RUN set. Nothing is changed.

    Removals cannot be undone. Read the plan, then:  readstate apply PLAN
    """


@click.command(cls=GroupedCommand, job="runs.forget")
@click.argument("names", nargs=-1, metavar="[PLAN|RUN]…")
@click.option("--retain", metavar="TIME", help="Everything that was not used for this long, such as 30d.")
@plans_option
@runs_options
@outcome_options
@log_options
@click.option("--yes", is_flag=True, help="Remove without asking.")
@json_option
def forget() -> None:
    """Delete the personal data of PLANs, with all of their runs, or of single RUNs. Nothing is sent.

    Manifests, audits and counts stay. What was changed can be neither verified nor undone afterwards.
    """
