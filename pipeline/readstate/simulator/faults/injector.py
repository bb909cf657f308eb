"""Chance for the faults: drawn from the world's seed, so that the same requests meet the same accidents."""

import random
from typing import Literal
from zlib import crc32

from readstate.simulator.faults.faults import IN_ORDER, Faults, PageFaults

Accident = Literal[
    "none", "error", "reset_before", "unauthorized", "conflict",
    "error_after", "reset_after", "html_success", "truncate", "oversize", "drip",
]  # fmt: skip

_READ_ACCIDENTS: tuple[tuple[Accident, str], ...] = (
    ("error", "error_share"),
    ("reset_before", "reset_before_share"),
    ("unauthorized", "unauthorized_share"),
    ("reset_after", "reset_after_share"),
    ("html_success", "html_success_share"),
    ("truncate", "truncate_share"),
    ("oversize", "oversize_share"),
    ("drip", "drip_share"),
)
_WRITE_ACCIDENTS: tuple[tuple[Accident, str], ...] = (
    *(pair for pair in _READ_ACCIDENTS if pair[0] != "html_success"),
    ("error_after", "error_after_effect_share"),
    ("conflict", "conflict_share"),
)


class Dice:
    """Decides which request meets which accident, under the faults in force."""

    def __init__(self, seed: int, faults: Faults) -> None:
        self._random = random.Random(seed)
        self._seed = seed
        self.change(faults)

    def change(self, faults: Faults) -> None:
        """Go on under other *faults*."""
        self.faults = faults
        self._reads = _possible(faults, _READ_ACCIDENTS)
        self._writes = _possible(faults, _WRITE_ACCIDENTS)
        self.has_accidents = bool(self._reads or self._writes)
        self.pages_in_order = not (
            faults.repeat_row_share or faults.shift_row_share or faults.page_loop_share or faults.foreign_next_origin
        )

    def accident(self, method: str) -> Accident:
        """Draw what happens to a request: at most one accident each."""
        possible = self._reads if method == "GET" else self._writes
        if not possible:
            return "none"
        draw = self._random.random()
        for accident, share in possible:
            draw -= share
            if draw < 0:
                return accident
        return "none"

    def happens(self, share: float) -> bool:
        """Say whether something with this probability happens now."""
        return share > 0 and self._random.random() < share

    def service_seconds(self) -> float:
        """Draw how long a request is in service."""
        faults = self.faults
        seconds = faults.latency_ms * faults.latency_factor / 1000
        if seconds and faults.latency_sigma:
            # Shifted so that the mean stays what was asked for, whatever the spread.
            seconds *= self._random.lognormvariate(-(faults.latency_sigma**2) / 2, faults.latency_sigma)
        return seconds + (faults.stall_seconds if self.happens(faults.stall_share) else 0.0)

    def background_gap(self) -> float:
        """Draw the seconds until production's next request."""
        return self._random.expovariate(self.faults.background_requests_per_second)

    def error_status(self) -> int:
        """Draw a 5xx."""
        return self._random.choice(self.faults.error_statuses)

    def pick(self, count: int) -> int:
        """Draw a number below *count*."""
        return self._random.randrange(count)

    def disorder(self, page: int) -> PageFaults:
        """Draw what is wrong with page number *page* of a list."""
        if self.pages_in_order:
            return IN_ORDER
        faults = self.faults
        return PageFaults(
            repeats_row=page > 0 and self.happens(faults.repeat_row_share),
            moves_row=page > 0 and self.happens(faults.shift_row_share),
            loops=self.happens(faults.page_loop_share),
            next_origin=faults.foreign_next_origin,
        )

    def user_vanishes(self, user_sid: str) -> bool:
        """Say whether this user, though listed, is gone; the same users always are."""
        share = self.faults.vanished_users_share
        return share > 0 and crc32(user_sid.encode(), self._seed & 0xFFFFFFFF) < share * 2**32


def _possible(faults: Faults, accidents: tuple[tuple[Accident, str], ...]) -> list[tuple[Accident, float]]:
    return [(accident, getattr(faults, name)) for accident, name in accidents if getattr(faults, name) > 0]
