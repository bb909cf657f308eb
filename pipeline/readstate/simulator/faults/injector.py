"""Chance for the faults, drawn from the world's seed: the same requests in the same order meet the same faults."""

import random
from collections.abc import Sequence
from typing import Literal
from zlib import crc32

from readstate.simulator.faults.faults import NO_PAGE_FAULTS, Faults, PageFaults

Fault = Literal[
    "none", "error", "reset_before", "unauthorized", "conflict",
    "error_after", "reset_after", "html_success", "truncate", "oversize", "drip",
]  # fmt: skip

_READ_FAULTS: tuple[tuple[Fault, str], ...] = (
    ("error", "error_share"),
    ("reset_before", "reset_before_share"),
    ("unauthorized", "unauthorized_share"),
    ("reset_after", "reset_after_share"),
    ("html_success", "html_success_share"),
    ("truncate", "truncate_share"),
    ("oversize", "oversize_share"),
    ("drip", "drip_share"),
)
_WRITE_FAULTS: tuple[tuple[Fault, str], ...] = (
    *(pair for pair in _READ_FAULTS if pair[0] != "html_success"),
    ("error_after", "error_after_effect_share"),
    ("conflict", "conflict_share"),
)


class FaultInjector:
    """Draws which request meets which fault, under the faults in force."""

    def __init__(self, seed: int, faults: Faults) -> None:
        self._random = random.Random(seed)
        self._seed = seed
        self.change(faults)

    def change(self, faults: Faults) -> None:
        """Put other *faults* in force."""
        self.faults = faults
        self._reads = _possible(faults, _READ_FAULTS)
        self._writes = _possible(faults, _WRITE_FAULTS)
        self.has_faults = bool(self._reads or self._writes)
        self.pages_in_order = not (
            faults.repeat_row_share or faults.shift_row_share or faults.page_loop_share or faults.foreign_next_origin
        )

    def draw(self, method: str) -> Fault:
        """Draw the fault of a request: at most one."""
        possible = self._reads if method == "GET" else self._writes
        if not possible:
            return "none"
        draw = self._random.random()
        for fault, share in possible:
            draw -= share
            if draw < 0:
                return fault
        return "none"

    def chance(self, share: float) -> bool:
        """Return whether an event of this probability happens now."""
        return share > 0 and self._random.random() < share

    def service_seconds(self, others: int = 0) -> float:
        """Draw how long a request is in service, beside *others*."""
        faults = self.faults
        if faults.latency_quantiles_ms:
            milliseconds = _between(faults.latency_quantiles_ms, self._random.random())
        else:
            milliseconds = faults.latency_ms
            if milliseconds and faults.latency_sigma:
                # Shifted so that the mean stays as configured, whatever the spread.
                milliseconds *= self._random.lognormvariate(-(faults.latency_sigma**2) / 2, faults.latency_sigma)
        milliseconds += others * faults.latency_added_ms
        seconds = milliseconds * faults.latency_factor / 1000
        return seconds + (faults.stall_seconds if self.chance(faults.stall_share) else 0.0)

    def background_gap(self) -> float:
        """Draw the seconds until production's next request."""
        return self._random.expovariate(self.faults.background_requests_per_second)

    def error_status(self) -> int:
        """Draw a 5xx."""
        return self._random.choice(self.faults.error_statuses)

    def index(self, count: int) -> int:
        """Draw an index below *count*."""
        return self._random.randrange(count)

    def page_faults(self, page: int) -> PageFaults:
        """Draw the faults of page number *page* of a list."""
        if self.pages_in_order:
            return NO_PAGE_FAULTS
        faults = self.faults
        return PageFaults(
            repeats_row=page > 0 and self.chance(faults.repeat_row_share),
            moves_row=page > 0 and self.chance(faults.shift_row_share),
            loops=self.chance(faults.page_loop_share),
            next_origin=faults.foreign_next_origin,
        )

    def user_vanishes(self, user_sid: str) -> bool:
        """Return whether this user, though listed, is gone; the same users always are."""
        share = self.faults.vanished_users_share
        return share > 0 and crc32(user_sid.encode(), self._seed & 0xFFFFFFFF) < share * 2**32


def _between(quantiles: Sequence[float], share: float) -> float:
    """Return the quantile of a *share*, interpolated."""
    whole, rest = divmod(share * (len(quantiles) - 1), 1)
    lower = quantiles[int(whole)]
    return lower + rest * (quantiles[min(int(whole) + 1, len(quantiles) - 1)] - lower)


def _possible(faults: Faults, kinds: tuple[tuple[Fault, str], ...]) -> list[tuple[Fault, float]]:
    return [(kind, getattr(faults, name)) for kind, name in kinds if getattr(faults, name) > 0]
