"""Options and dependencies of an apply run."""

from collections.abc import Awaitable, Callable
from typing import Literal

from msgspec import Struct, field

from readstate.changes.apply.circuit_breaker import BreakerThresholds
from readstate.changes.apply.latency import LatencyMeter
from readstate.clock import Clock
from readstate.events import Observer
from readstate.model.quantities import Allowance
from readstate.stop import StopSwitch
from readstate.twilio.client import Writer


class RowOptions(Struct, frozen=True, kw_only=True):
    """How careful to be with one row."""

    max_precondition_age_seconds: float = 5.0
    readback_delays: tuple[float, ...] = (2.0, 5.0, 10.0, 30.0)
    """The pauses before each read-back of a row whose outcome is unknown."""


class ApplyOptions(Struct, frozen=True, kw_only=True):
    """How carefully a plan is carried out."""

    row: RowOptions = field(default_factory=RowOptions)
    canary: int = 25
    canary_pause: bool = False
    """Whether a person is asked after each canary."""
    verify_share: float = 0.01
    max_errors: Allowance = Allowance(count=10, share=0.01)
    max_drift: Allowance = Allowance(count=10, share=0.10)
    on_drift: Literal["skip", "stop"] = "skip"
    breaker: BreakerThresholds = BreakerThresholds()
    max_throttled_seconds: float = 1_800.0
    max_outage_seconds: float = 900.0
    grace_seconds: float = 20.0
    max_parallel_rows: int = 500
    """May be more than the requests in flight, because some rows wait for the disk."""


class ApplyDependencies(Struct, frozen=True, kw_only=True):
    """Dependencies of an apply run, passed in so that tests can replace them."""

    writer: Writer
    rate: Callable[[], float]
    """Return how many writes a second are possible now."""
    confirm: Callable[[str], Awaitable[bool]]
    """Ask the user at the terminal whether to continue; False without a terminal."""
    meter: LatencyMeter
    """Has to observe every event of the writer."""
    clock: Clock
    stop: StopSwitch
    emit: Observer
