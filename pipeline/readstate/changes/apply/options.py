"""What applying a plan is told, and what it needs from outside."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from readstate.changes.apply.admission import Meter
from readstate.changes.apply.budgets import Patience
from readstate.changes.apply.row_executor import CarrierOptions
from readstate.changes.apply.send import Repetitions
from readstate.clock import Clock
from readstate.events import Observer
from readstate.model.quantities import Allowance
from readstate.stop import StopSwitch
from readstate.twilio.client import Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyOptions:
    """How carefully a plan is carried out."""

    carrier: CarrierOptions = field(default_factory=CarrierOptions)
    canary: int = 25
    canary_pause: bool = False
    """Whether a person is asked after each canary."""
    verify_share: float = 0.01
    max_errors: Allowance = field(default_factory=lambda: Allowance(count=10, share=0.01))
    max_drift: Allowance = field(default_factory=lambda: Allowance(count=10, share=0.10))
    on_drift: Literal["skip", "stop"] = "skip"
    breaker: Patience = Patience()  # noqa: RUF009 - frozen
    max_throttled_seconds: float = 1_800.0
    max_outage_seconds: float = 900.0
    grace_seconds: float = 20.0
    parallel: int = 500
    """Most rows under way; more than requests may be in flight, because some rows wait for the disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What applying needs from outside."""

    writer: Writer
    rate: Callable[[], float]
    """How many writes a second are possible now."""
    agree: Callable[[str], Awaitable[bool]]
    """Asks a person a question; False where there is nobody."""
    meter: Meter
    """Has to hear every event of the writer, as `repetitions` has."""
    repetitions: Repetitions
    clock: Clock
    stop: StopSwitch
    emit: Observer
