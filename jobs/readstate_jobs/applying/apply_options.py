"""The options of the two commands that write: declared once, with the defaults that their help shows."""

from dataclasses import dataclass
from typing import Any

import click
import msgspec

from readstate.changes.apply.budgets import parse_budget
from readstate.changes.apply.circuit_breaker import parse_thresholds
from readstate.changes.apply.options import ApplyOptions, RowOptions
from readstate.errors import BadInput
from readstate.model.guards import Consent
from readstate.model.quantities import parse_allowance, parse_duration
from readstate_jobs.cli.options import NumberRange, together

_COUNT = click.IntRange(min=0)


class TypedOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How carefully to apply, in the form in which it is typed."""

    canary: int = 25
    canary_pause: bool = False
    verify: str = "1%"
    max_errors: str = "1%"
    max_drift: str = "10%"
    on_drift: str = "skip"
    max_precondition_age: str = "5s"
    settle: str = "2,5,10,30"
    breaker: str = "5,20%"
    max_throttled: str = "30m"
    grace: str = "20s"


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


apply_options = together(
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
"""The options of `apply` and `resume`; `read_arguments` reads them."""


@dataclass(frozen=True, slots=True)
class ApplyArguments:
    """What was typed; an option that was not typed is missing from its mapping."""

    consent: dict[str, Any]
    options: dict[str, Any]

    def overriding(self, consent: dict[str, Any], options: dict[str, Any]) -> "ApplyArguments":
        """Return these arguments on top of those of an earlier start."""
        return ApplyArguments(consent | self.consent, options | self.options)

    def to_consent(self) -> Consent:
        """Return what the user consents to."""
        return Consent(**self.consent)

    def to_options(self, *, max_parallel_rows: int, max_outage_seconds: float) -> ApplyOptions:
        """Return the options of the run. Raise `BadInput`."""
        typed = TypedOptions(**self.options)
        if typed.canary_pause and (not typed.canary or typed.verify == "none"):
            raise BadInput("--canary-pause without a canary", hint="Leave out --canary 0 and --verify none.")
        return ApplyOptions(
            row=RowOptions(
                max_precondition_age_seconds=parse_duration(typed.max_precondition_age),
                readback_delays=tuple(map(parse_duration, typed.settle.split(","))),
            ),
            canary=typed.canary,
            canary_pause=typed.canary_pause,
            verify_share=parse_share(typed.verify, "--verify"),
            max_errors=parse_budget(typed.max_errors),
            max_drift=parse_budget(typed.max_drift),
            on_drift="stop" if typed.on_drift == "stop" else "skip",
            breaker=parse_thresholds(typed.breaker),
            max_throttled_seconds=parse_duration(typed.max_throttled),
            max_outage_seconds=max_outage_seconds,
            grace_seconds=parse_duration(typed.grace),
            max_parallel_rows=max_parallel_rows,
        )


def read_arguments(options: dict[str, Any]) -> ApplyArguments:
    """Remove the options of `apply_options`, but ``--excel`` and ``--writes-per-second``, from *options*."""

    def typed(kind: type[msgspec.Struct]) -> dict[str, Any]:
        values = {name: options.pop(name) for name in kind.__struct_fields__}
        return {name: value for name, value in values.items() if value is not None}

    return ApplyArguments(typed(Consent), typed(TypedOptions))


def parse_share(text: str, option: str) -> float:
    """Read ``all``, ``none`` or a percentage. Raise `BadInput`, which names *option*."""
    if text in {"all", "none"}:
        return 1.0 if text == "all" else 0.0
    if not text.endswith("%"):
        raise BadInput(f"{option} {text}: not a percentage, all or none", hint="Write a form such as 1%.")
    return parse_allowance(text).share
