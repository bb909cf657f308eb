"""What an account was found to do, beside what is assumed of it."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

_NAME: Final = re.compile(r"(?![A-Z]{2}[0-9a-fA-F]{32})[A-Za-z_][A-Za-z0-9_.-]{0,59}")


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table: assumed, seen, and what it means. It holds nothing that names a person or a resource."""

    subject: str
    assumed: str
    seen: str
    means: str = ""
    """Empty where nothing contradicts what is assumed."""
    otherwise: str = "as assumed"
    """What to say then."""
    behaviour: Mapping[str, object] = {}
    """Switches of the simulator that make it behave like this."""
    faults: Mapping[str, object] = {}
    """The same among its faults."""

    @property
    def verdict(self) -> str:
        """What it means, or that it means nothing."""
        return self.means or self.otherwise

    @property
    def contradicts(self) -> bool:
        """Whether the account does not do what is assumed of it."""
        return bool(self.means)


def plain_name(text: str) -> str:
    """Return the name of a field or a parameter, if it can be one and no SID or person; otherwise a stand-in."""
    return text if _NAME.fullmatch(text) else "(an odd name)"
