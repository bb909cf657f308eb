"""The token that names a place in a list: opaque to clients, `PT` or `PB` and base64 of JSON like Twilio's own."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import NamedTuple


class PageToken(NamedTuple):
    """A place in a list, named by the row beside it and not by a count, so that it outlives changes."""

    key: str = ""
    """The row after which the page begins, or before which it ends; empty for the beginning of the list."""
    moved: tuple[str, ...] = ()
    """Rows that slipped out of earlier pages and are owed on the last one."""
    backwards: bool = False

    def write(self) -> str:
        """Write the token as it stands in a URL."""
        order, side = ("desc", "before") if self.backwards else ("asc", "after")
        content: dict[str, object] = {"order": order, side: self.key}
        if self.moved:
            content["moved"] = self.moved
        letters = urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).decode().rstrip("=")
        return ("PB" if self.backwards else "PT") + letters

    @classmethod
    def read(cls, text: str) -> "PageToken | None":
        """Read a token; None when this simulator never wrote it."""
        try:
            content = json.loads(urlsafe_b64decode(text[2:] + "=" * (-len(text[2:]) % 4)))
            backwards = content["order"] == "desc"
            key, moved = content["before" if backwards else "after"], tuple(content.get("moved", ()))
            token = cls(key, moved, backwards)
            genuine = all(isinstance(part, str) for part in (key, *moved)) and token.write() == text
            return token if genuine else None
        except (ValueError, LookupError, TypeError, AttributeError):
            return None
