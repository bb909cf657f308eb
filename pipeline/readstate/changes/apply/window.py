"""The hours in which a run may change something. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime, time, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from readstate.errors import BadInput

_WINDOW = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")


@dataclass(frozen=True, slots=True)
class Window:
    """From *begin* to *end* of each day in *zone*; across midnight where *end* is the earlier one."""

    begin: time
    end: time
    zone: tzinfo

    def is_open(self, now: datetime) -> bool:
        """Whether a row may be begun at *now*."""
        here = now.astimezone(self.zone).time()
        if self.begin <= self.end:
            return self.begin <= here < self.end
        return here >= self.begin or here < self.end


def parse_window(text: str, zone: str) -> Window:
    """Read a form such as ``22:00-06:00`` in the time zone *zone*. Raises `BadInput`."""
    match = _WINDOW.fullmatch(text.strip())
    try:
        hours = [time(int(match[n]), int(match[n + 1])) for n in (1, 3)] if match else []
    except ValueError:
        hours = []
    if len(hours) != 2 or hours[0] == hours[1]:
        raise BadInput(f"{text!r} is no window of hours", hint="Write a form such as 22:00-06:00.")
    try:
        return Window(hours[0], hours[1], ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise BadInput(f"there is no time zone {zone!r}", hint="Write a name such as Europe/Paris or UTC.") from error
