"""The options of the two commands that write, from what was typed to what a run needs."""

from typing import Any

import msgspec
from msgspec import Struct

from readstate.changes.apply.budgets import parse_budget
from readstate.changes.apply.circuit_breaker import parse_thresholds
from readstate.changes.apply.options import ApplyOptions, RowOptions
from readstate.errors import BadInput
from readstate.model.guards import Consent
from readstate.model.quantities import parse_allowance, parse_duration
from readstate_jobs.applying.typed_options import TypedOptions


class ApplyArguments(Struct, frozen=True):
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
    """Remove the options of ``apply`` and ``resume``, but ``--excel`` and ``--writes-per-second``, from *options*."""

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
