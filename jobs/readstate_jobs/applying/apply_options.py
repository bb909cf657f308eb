"""The options of the two commands that write, and what comes of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from readstate.changes.apply.budgets import parse_budget
from readstate.changes.apply.circuit_breaker import parse_thresholds
from readstate.changes.apply.options import ApplyOptions, RowOptions
from readstate.errors import BadInput
from readstate.model.guards import Consent
from readstate.model.quantities import parse_allowance, parse_duration

Command = TypeVar("Command", bound=Callable[..., Any])

_CONSENT = (
    click.option("--confirm-deletes", type=click.IntRange(min=0), metavar="N", help="Yes, remove exactly N members."),
    click.option("--max-deletes", type=click.IntRange(min=0), metavar="N", help="Most removals. [default: 1000]"),
    click.option(
        "--max-deletes-per-conversation", type=click.IntRange(min=0), metavar="N",
        help="Most removals in one conversation. [default: 10]",
    ),
    click.option(
        "--allow-user-wipeout", is_flag=True, default=None, help="Users may lose most or all of their conversations."
    ),
    click.option(
        "--allow-missing", "allow_missing_percent", type=click.FloatRange(0, 100), metavar="PERCENT",
        help="Refuse the plan if more than this share of its lines was not found. [default: 20]",
    ),
    click.option(
        "--allow-partial-plan", is_flag=True, default=None,
        help="Apply even if some lines could not be read during planning.",
    ),
    click.option("--max-rows", type=click.IntRange(min=0), metavar="N", help="Most changes. [default: 1000000]"),
)  # fmt: skip
_CARE = (
    click.option(
        "--canary", type=click.IntRange(min=0), metavar="N", help="Rows that go first and must succeed. [default: 25]"
    ),
    click.option("--canary-pause", is_flag=True, default=None, help="Ask before going on after these first rows."),
    click.option("--verify", metavar="P%|all|none", help="How much is read back after it was written. [default: 1%]"),
    click.option("--max-errors", metavar="N|P%", help="Rows that may fail. [default: 1%, and at least 10]"),
    click.option("--max-drift", metavar="N|P%", help="Rows that may have changed since. [default: 10%, at least 10]"),
    click.option("--on-drift", type=click.Choice(["skip", "stop"]), help="What a row does that has changed since."),
    click.option(
        "--max-precondition-age", metavar="TIME", help="How old a reading may be when its write leaves. [default: 5s]"
    ),
    click.option("--settle", metavar="S,S,…", help="Seconds between readings of a row in doubt. [default: 2,5,10,30]"),
    click.option("--breaker", metavar="N,P%", help="Writes in doubt that hold all others. [default: 5,20%]"),
    click.option("--max-throttled", metavar="TIME", help="How long Twilio may refuse everything. [default: 30m]"),
    click.option("--grace", metavar="TIME", help="How long rows under way may take when stopped. [default: 20s]"),
)
_NAMES = {
    "canary", "canary_pause", "verify", "max_errors", "max_drift", "on_drift", "max_precondition_age", "settle",
    "breaker", "max_throttled", "grace",
}  # fmt: skip
DEFAULTS: dict[str, Any] = {
    "canary": 25, "canary_pause": False, "verify": "1%", "max_errors": "1%", "max_drift": "10%", "on_drift": "skip",
    "max_precondition_age": "5s", "settle": "2,5,10,30", "breaker": "5,20%",
    "max_throttled": "30m", "grace": "20s",
}  # fmt: skip


def apply_options(command: Command) -> Command:
    """Give *command* the options of everything that writes; `take_apply_options` reads them."""
    writes = click.option("--writes-per-second", type=float, help="Most changes a second. [default: 30]")
    excel = click.option("--excel", is_flag=True, help="Write results.csv for a spreadsheet, not for reading in again.")
    for option in reversed((*_CONSENT, *_CARE, writes, excel)):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class ApplyWish:
    """What was said on the command line; what was not said is not there."""

    consent: dict[str, Any]
    care: dict[str, Any]

    def over(self, consent: dict[str, Any], care: dict[str, Any]) -> "ApplyWish":
        """What an earlier start was told, and over it what was said now."""
        return ApplyWish(consent | self.consent, care | self.care)

    def as_consent(self) -> Consent:
        """What the person agrees to."""
        return Consent(**self.consent)

    def as_options(self, *, max_parallel_rows: int, max_outage_seconds: float) -> ApplyOptions:
        """How careful to be. Raises `BadInput`."""
        care = DEFAULTS | self.care
        if care["canary_pause"] and (not care["canary"] or care["verify"] == "none"):
            raise BadInput("--canary-pause without a canary", hint="Leave out --canary 0 and --verify none.")
        return ApplyOptions(
            row=RowOptions(
                max_precondition_age_seconds=parse_duration(care["max_precondition_age"]),
                readback_delays=_settle_seconds(care["settle"]),
            ),
            canary=care["canary"],
            canary_pause=care["canary_pause"],
            verify_share=parse_share(care["verify"], "--verify"),
            max_errors=parse_budget(care["max_errors"]),
            max_drift=parse_budget(care["max_drift"]),
            on_drift=care["on_drift"],
            breaker=parse_thresholds(care["breaker"]),
            max_throttled_seconds=parse_duration(care["max_throttled"]),
            max_outage_seconds=max_outage_seconds,
            grace_seconds=parse_duration(care["grace"]),
            max_parallel_rows=max_parallel_rows,
        )


def take_apply_options(options: dict[str, Any]) -> ApplyWish:
    """Take what `apply_options` added out of *options*, but ``--excel`` and ``--writes-per-second``."""

    def taken(names: set[str]) -> dict[str, Any]:
        values = {name: options.pop(name) for name in names}
        return {name: value for name, value in values.items() if value is not None}

    return ApplyWish(taken(set(Consent.__struct_fields__)), taken(_NAMES))


def parse_share(text: str, option: str) -> float:
    """Read ``all``, ``none`` or a percentage. Raises `BadInput`, which names *option*."""
    if text in {"all", "none"}:
        return 1.0 if text == "all" else 0.0
    if not text.strip().endswith("%"):
        raise BadInput(f"{option} {text}: neither a percentage nor all nor none", hint="Write a form such as 1%.")
    return parse_allowance(text).share


def _settle_seconds(text: str) -> tuple[float, ...]:
    return tuple(parse_duration(part) for part in text.split(","))
