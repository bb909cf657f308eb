"""Amounts as people write them: ``5h``, ``0.1%``, ``200``."""

import re
from dataclasses import dataclass

from readstate.errors import BadInput

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(?:\d{1,9}(?:\.\d+)?[smhd])+")


def parse_duration(text: str) -> float:
    """Return the seconds in *text*, such as ``90``, ``45s``, ``5h`` or ``1h30m``. Raise `BadInput`."""
    compact = text.strip().lower()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", compact):
        return float(compact)
    if not _DURATION.fullmatch(compact):
        raise BadInput(f"{text!r} is not a duration", hint="Write seconds, or a form such as 45s, 20m, 5h or 1h30m.")
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+(?:\.\d+)?)([smhd])", compact))


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many of a whole may go wrong: a *count*, or a *share* of it."""

    count: int = 0
    share: float = 0.0

    def of(self, whole: int) -> int:
        """Return the number that *whole* items allow."""
        # Shares are written in decimals, which binary numbers miss by a hair: 29 % of 100 would be 28.
        return max(self.count, int(self.share * whole + 1e-6))


def parse_allowance(text: str) -> Allowance:
    """Read ``0.1%`` as a share and ``50`` as a count. Raise `BadInput`."""
    compact = text.strip()
    if re.fullmatch(r"\d+", compact):
        return Allowance(count=int(compact))
    if (match := re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", compact)) and float(match[1]) <= 100:
        return Allowance(share=float(match[1]) / 100)
    raise BadInput(f"{text!r} is neither a count nor a percentage", hint="Write a form such as 50 or 0.1%.")
