"""Amounts and dates as people write them: ``5h``, ``0.1%``, ``200``, ``2026-11-23``."""

import re
from datetime import date

from msgspec import Struct

from readstate.errors import BadInput

_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_PLAIN = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([smhd]?)")
_IN_PARTS = re.compile(r"(?=.)(?:([0-9]{1,9})d)?(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?")
_LONGEST_DAYS = 36_500


def parse_duration(text: str) -> float:
    """Return the seconds in *text*, such as ``90``, ``45s``, ``1.5h`` or ``1h30m``. Raise `BadInput`."""
    if (match := _PLAIN.fullmatch(text)) is not None:
        seconds = float(match[1]) * _SECONDS[match[2] or "s"]
    elif (match := _IN_PARTS.fullmatch(text)) is not None:
        seconds = float(
            sum(int(number or 0) * unit for number, unit in zip(match.groups(), _SECONDS.values(), strict=True))
        )
    else:
        raise BadInput(f"{text!r} is not a duration", hint="Write seconds, or a form such as 45s, 20m, 5h or 1h30m.")
    if seconds > _LONGEST_DAYS * _SECONDS["d"]:
        raise BadInput(f"{text!r} is longer than a hundred years", hint="Write a form such as 45s, 20m, 5h or 1h30m.")
    return seconds


def parse_date(text: str) -> date:
    """Return the date that *text* writes as ``2026-11-23``, and in no other of ISO's forms. Raise `BadInput`."""
    try:
        if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text!r}: there is no such day", hint="Write it as YYYY-MM-DD.") from None
    raise BadInput(f"{text!r} is not a date", hint="Write it as YYYY-MM-DD.")


class Allowance(Struct, frozen=True):
    """How many of a whole may go wrong: a *count*, or a *share* of it."""

    count: int = 0
    share: float = 0.0

    def of(self, whole: int) -> int:
        """Return the number that *whole* items allow."""
        # Shares are written in decimals, which binary numbers miss by a hair: 29 % of 100 would be 28.
        return max(self.count, int(self.share * whole + 1e-6))


def parse_allowance(text: str) -> Allowance:
    """Read ``0.1%`` as a share and ``50`` as a count. Raise `BadInput`."""
    if re.fullmatch(r"[0-9]{1,12}", text):
        return Allowance(count=int(text))
    if (match := re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,9})?) ?%", text)) and float(match[1]) <= 100:
        return Allowance(share=float(match[1]) / 100)
    raise BadInput(f"{text!r} is neither a count nor a percentage", hint="Write a form such as 50 or 0.1%.")
