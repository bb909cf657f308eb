"""Page tokens: a place in a list, named by the row beside it."""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final, NamedTuple

from readstate.simulator.api.behaviour import TokenForm

_PART: Final = r"[A-Za-z0-9:.-]+(?:_[A-Za-z0-9:.-]+)*"
_SORT_KEYS: Final = re.compile(f"P([TB])({_PART}(?:~{_PART})*)")


class PageToken(NamedTuple):
    """A place in a list that outlives changes, because it is no count."""

    key: str = ""
    """The sort key of the row after which the page begins, or before which it ends; empty for the beginning."""
    moved: tuple[str, ...] = ()
    """Rows that are missing from earlier pages and come on the last one."""
    backwards: bool = False

    def write(self, form: TokenForm = "json") -> str:
        """Return the token as it stands in a URL: base64 of JSON, or the sort key itself. Both were seen."""
        prefix = "PB" if self.backwards else "PT"
        if form == "sort_key":
            return prefix + "~".join((self.key, *self.moved))
        order, side = ("desc", "before") if self.backwards else ("asc", "after")
        content: dict[str, object] = {"order": order, side: _named(self.key)}
        if self.moved:
            content["moved"] = self.moved
        return prefix + urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str, form: TokenForm = "json") -> "PageToken | None":
        """Parse a token; None if a simulator that writes this form did not write it."""
        if form == "sort_key":
            found = _SORT_KEYS.fullmatch(text)
            if found is None:
                return None
            key, *moved = found[2].split("~")
            return cls(key, tuple(moved), found[1] == "B")
        try:
            content = json.loads(urlsafe_b64decode(text[2:] + "=" * (-len(text[2:]) % 4)))
            backwards = content["order"] == "desc"
            key, rows = content["before" if backwards else "after"], tuple(content.get("moved", ()))
            token = cls("_".join(key.values()) if isinstance(key, dict) else key, rows, backwards)
            genuine = all(isinstance(part, str) for part in (token.key, *rows)) and token.write() == text
            return token if genuine else None
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return None


def _named(key: str) -> str | dict[str, str]:
    parts = key.split("_")
    return key if len(parts) == 1 else {_name(part): part for part in parts}


def _name(part: str) -> str:
    return "date" if part[0].isdigit() else "state" if part.islower() else "sid"
