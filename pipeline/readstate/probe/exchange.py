"""One question to the account with its answer, as a value."""

from collections.abc import Mapping
from typing import Any, Literal, get_args
from urllib.parse import parse_qsl, urlsplit

import msgspec

ListName = Literal["services", "users", "user_conversations", "conversations", "participants", "messages"]
LIST_NAMES: tuple[ListName, ...] = get_args(ListName)
About = Literal[
    "largest_page",
    "pages",
    "page_by_number",
    "newest_message",
    "resource",
    "missing_user",
    "identity",
    "service_settings",
    "latency",
    "stray_error",
]
"""The question, as the simulator's README has it."""


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """A GET and its answer. The body may name people: it is looked at, and never written down."""

    about: About
    resource: str
    """A list, or another resource that was read."""
    target: str
    """Path and query that were asked for."""
    origin: str
    """Scheme and host that were asked."""
    status: int
    headers: Mapping[str, str] = {}
    """By lower-case names."""
    body: bytes = b""
    sent_at: float
    """Seconds since 1970, by this machine's clock."""
    seconds: float
    """Until the whole answer was there."""
    at_once: int = 1
    """How many questions were under way."""

    @property
    def content(self) -> dict[str, Any]:
        """The JSON object of the body; empty where it is none."""
        try:
            return msgspec.json.decode(self.body, type=dict[str, Any])
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return {}

    @property
    def is_stray(self) -> bool:
        """Whether a server on the way failed, so that this says nothing of the account."""
        return self.status >= 500 or (self.status == 200 and not self.content)

    @property
    def meta(self) -> dict[str, Any]:
        """What a page says of itself; empty where this is no page."""
        meta = self.content.get("meta")
        return meta if isinstance(meta, dict) and self.status == 200 else {}

    @property
    def is_page(self) -> bool:
        """Whether this is a page of a list."""
        return bool(self.meta)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of a page."""
        rows = self.content.get(str(self.meta.get("key")))
        return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []

    @property
    def next_page_url(self) -> str | None:
        """The address of the page after this one."""
        url = self.meta.get("next_page_url")
        return url if isinstance(url, str) else None

    @property
    def page_size(self) -> int | None:
        """The size of the page that was granted."""
        size = self.meta.get("page_size")
        return size if isinstance(size, int) else None

    @property
    def asked_size(self) -> int:
        """The size of the page that was asked for."""
        return int(dict(parse_qsl(urlsplit(self.target).query)).get("PageSize", "50"))

    @property
    def code(self) -> int | None:
        """Twilio's own number of an error."""
        code = self.content.get("code")
        return code if isinstance(code, int) else None

    @property
    def outcome(self) -> str:
        """Status and code, as they are shown."""
        return str(self.status) if self.code is None else f"{self.status}/{self.code}"
