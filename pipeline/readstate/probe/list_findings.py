"""Findings about lists: the size, the order and the links of their pages. Pure."""

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from readstate.probe.exchange import LIST_NAMES, Exchange
from readstate.probe.finding import Finding, plain_name
from readstate.simulator.api.behaviour import Behaviour, TokenForm

FEWEST_ROWS: Final = 12
"""So many rows are not in order by chance."""
_CONVERSATIONS: Final = frozenset({"user_conversations", "conversations"})
_UNORDERED: Final = frozenset({"services", "messages"})
_SORT_KEY: Final = re.compile(r"P[TB](?:[a-z]+_)?(?:\d{4}-\d\d-\d\dT[^_]*_)?[A-Z]{2}[0-9a-f]{32}")
_MAXIMUM: Final = re.compile(r"maximum page size is ([1-9][0-9]{0,4})\b")
_MOVES: Final = "a row that is updated while the list is read moves: lists of several pages are read again"


_TOO_LITTLE: Final = "too little to tell"
_FIELDS: Final = {
    "sid": ("sid", "conversation_sid"), "created": ("date_created",), "updated": ("date_updated",),
}  # fmt: skip


class Order(NamedTuple):
    """One way to sort a list."""

    by: str
    direction: str
    state_first: str

    def holds(self, lists: Sequence[Sequence[dict[str, Any]]]) -> bool:
        """Return whether *lists* are sorted like this; False where rows have nothing to sort by, or most the same."""
        keys = [[self._key(row) for row in rows] for rows in lists]
        if any(part is None for found in keys for key in found for part in key):
            return False
        if sum(len(set(found)) for found in keys) * 2 <= sum(map(len, keys)):
            return False
        is_down = self.direction == "desc"
        return all(found == sorted(found, key=lambda key: tuple(map(str, key)), reverse=is_down) for found in keys)

    def _key(self, row: dict[str, Any]) -> tuple[object, ...]:
        value = _text(row, *_FIELDS[self.by])
        state = _text(row, "state", "conversation_state")
        return (state, value) if self.state_first == "yes" else (value,)

    def __str__(self) -> str:
        words = {"sid": "SID", "created": "date_created", "updated": "date_updated"}[self.by]
        prefix = "state, then " if self.state_first == "yes" else ""
        return f"by {prefix}{words}, {'rising' if self.direction == 'asc' else 'falling'}"


_ORDERS: Final = [
    Order(by, direction, state_first)
    for state_first in ("no", "yes")
    for by in ("sid", "created", "updated")
    for direction in ("asc", "desc")
]


def list_findings(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """Decide what the exchanges say about lists."""
    for name in LIST_NAMES:
        largest = _about(exchanges, "largest_page", name)
        pages = _about(exchanges, "pages", name)
        if largest and largest[0].status != 429:
            yield _largest_page(largest[0])
        if pages and name not in _UNORDERED:
            yield _order(name, _readings(exchanges, name))
    linked = {found.resource: found for found in reversed(exchanges) if found.about == "pages" and found.next_page_url}
    if linked:
        yield _links(linked)
        yield _tokens({name: dict(_query(found)).get("PageToken", "") for name, found in linked.items()})
    for by_number in _about(exchanges, "page_by_number", "users"):
        yield _page_without_token(by_number, _rows(exchanges, "users"))
    newest = [row for found in exchanges if found.about == "newest_message" for row in found.rows[:1]]
    if newest:
        yield from _message_moves(newest, _rows(exchanges, "conversations"))


def _largest_page(exchange: Exchange) -> Finding:
    name, asked = exchange.resource, exchange.asked_size
    assumed = getattr(Behaviour(), name).largest_page
    subject = f"{name}: the largest page"
    if not exchange.is_page:
        # A 401 or 403 says nothing about pages; the permissions are a finding of their own.
        switch: dict[str, object] = {"page_size_over_maximum": "reject"} if exchange.status == 400 else {}
        named = _MAXIMUM.search(str(exchange.content.get("message"))) if switch else None
        if named is not None and int(named[1]) != assumed:
            switch[f"{name}.largest_page"] = int(named[1])
        means = "nothing: no request asks for more than the documented maximum"
        if not switch:
            means = "the server failed: ask again later" if exchange.is_stray else "the list cannot be read"
        return Finding(
            subject=subject,
            assumed=f"{assumed} of {asked} asked for",
            seen=exchange.outcome + (f", at most {named[1]}" if named else ""),
            means=means,
            behaviour=switch,
        )
    size = max(1, exchange.page_size or len(exchange.rows))
    means = ""
    if size != assumed:
        means = "more requests for the same rows" if size < assumed else "fewer requests would do for the same rows"
    return Finding(
        subject=subject,
        assumed=f"{assumed} of {asked} asked for",
        seen=f"{size}, with {len(exchange.rows)} rows",
        means=means,
        behaviour={f"{name}.largest_page": size} if means else {},
    )


def _readings(exchanges: Sequence[Exchange], name: str) -> list[list[dict[str, Any]]]:
    """Return the rows of each list of this name, and of each time that it was asked for."""
    readings: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for found in exchanges:
        if found.resource == name and found.about in {"pages", "resource"} and found.is_page:
            readings.setdefault((found.about, found.target.partition("?")[0]), []).extend(found.rows)
    return list(readings.values())


def _order(name: str, lists: Sequence[Sequence[dict[str, Any]]]) -> Finding:
    subject, assumed = f"{name}: the order", str(_ORDERS[0])
    # Rows of short lists tell together what those of a long one tell.
    followers = sum(max(0, len(rows) - 1) for rows in lists)
    if followers < FEWEST_ROWS - 1:
        seen = f"{sum(map(len, lists))} rows"
        return Finding(subject=subject, assumed=assumed, seen=seen, otherwise=_TOO_LITTLE)
    orders = [order for order in _ORDERS if order.state_first == "no" or name in _CONVERSATIONS]
    found = next((order for order in orders if order.holds(lists)), None)
    if found is None:
        return Finding(
            subject=subject,
            assumed=assumed,
            seen="neither by SID nor by a date",
            means="lists of several pages are read until a reading brings nothing new",
            behaviour={f"{name}.order": "shuffled"},
        )
    names = ("order", "direction", "state_first")
    changed = {
        f"{name}.{field}": value for field, value, usual in zip(names, found, _ORDERS[0], strict=True) if value != usual
    }
    moves = found.by == "updated" or found.state_first == "yes"
    means = "" if not changed else _MOVES if moves else "no row moves when it is updated"
    return Finding(subject=subject, assumed=assumed, seen=str(found), means=means, behaviour=changed)


def _links(linked: Mapping[str, Exchange]) -> Finding:
    links = {name: _link(str(found.next_page_url), found.origin) for name, found in linked.items()}
    seen = {name: f"{host}, {names}" for name, (_, host, names) in links.items()}
    forms = {form for form, _, _ in links.values()}
    form = next(iter(forms)) if len(forms) == 1 else "token_first"
    differs = forms != {Behaviour().next_page_url} or any("//" in host for _, host, _ in links.values())
    return Finding(
        subject="next_page_url",
        assumed="the same host, PageSize, PageToken, Page",
        seen=_by_list(seen),
        means="nothing: only its query is used" if differs else "",
        behaviour={"next_page_url": form} if form != Behaviour().next_page_url else {},
    )


def _link(url: str, origin: str) -> tuple[str, str, str]:
    """Return the form of a link, its host if it is another one, and the names of its parameters."""
    parts = urlsplit(url)
    names = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    if not parts.netloc:
        form = "relative"
    elif "Page" not in names:
        form = "token_only"
    else:
        form = "page_first" if names.index("Page") < _place(names, "PageToken") else "token_first"
    host = f"{parts.scheme}://{parts.netloc}" if parts.netloc else "no host"
    return form, "the same host" if host == origin else host, ", ".join(map(plain_name, names))


def _by_list(seen: Mapping[str, str]) -> str:
    """Return what was seen in all lists, or in each where they differ."""
    if len(set(seen.values())) == 1:
        return next(iter(seen.values()))
    return "; ".join(f"{name}: {text}" for name, text in seen.items())


def _place(names: list[str], name: str) -> int:
    return names.index(name) if name in names else len(names)


def _tokens(tokens: Mapping[str, str]) -> Finding:
    found = {name: _token(token) for name, token in tokens.items()}
    keyed = [name for name, (form, _) in found.items() if form == "sort_key"]
    behaviour = {f"{name}.token_form": "sort_key" for name in keyed}
    means = "nothing: tokens are opaque" if keyed else ""
    if any(form is None for form, _ in found.values()):
        means = "nothing: tokens are opaque, and the simulator has none like that"
    return Finding(
        subject="page tokens",
        assumed="PT and base64 of JSON",
        seen=_by_list({name: seen for name, (_, seen) in found.items()}),
        means=means,
        behaviour={"token_form": "sort_key"} if len(keyed) == len(found) else behaviour,
    )


def _token(token: str) -> tuple[TokenForm | None, str]:
    """Return the form of a token, if the simulator has it, and in words."""
    if token[:2] in {"PT", "PB"} and (parts := _json_parts(token[2:])) is not None:
        return "json", f"{token[:2]} and base64 of JSON with {', '.join(parts)}"
    if _SORT_KEY.fullmatch(token):
        return "sort_key", f"a sort key of {token.count('_') + 1} parts"
    return None, f"{len(token)} characters in another form"


def _json_parts(text: str) -> list[str] | None:
    try:
        content = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, RecursionError):
        return None
    return [plain_name(str(name)) for name in content] if isinstance(content, dict) else None


def _page_without_token(exchange: Exchange, rows: Sequence[dict[str, Any]]) -> Finding:
    seen, choice, means = exchange.outcome, "reject", ""
    if exchange.is_page:
        sids = [_text(row, "sid") for row in exchange.rows[:1]]
        if sids == [_text(row, "sid") for row in rows[1:2]]:
            seen, choice, means = "the page of that number", "by_number", "pages of one list could be read at once"
        elif sids == [_text(row, "sid") for row in rows[:1]]:
            seen, choice, means = "the first page", "first_page", "nothing: no page is asked for without its token"
        else:
            seen, choice, means = "another page", "reject", "nothing: no page is asked for without its token"
    return Finding(
        subject="Page=1 without a token",
        assumed="400/70002",
        seen=seen,
        means=means,
        behaviour={"page_without_token": choice} if choice != "reject" else {},
    )


def _message_moves(messages: Sequence[dict[str, Any]], conversations: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    updated = {_text(row, "sid"): _text(row, "date_updated") for row in conversations}
    pairs = [(updated.get(_text(row, "conversation_sid")), _text(row, "date_created")) for row in messages]
    dates = [(conversation, message) for conversation, message in pairs if conversation and message]
    if not dates:
        return
    subject, assumed = "date_updated after a message", "as before"
    same = sum(conversation == message for conversation, message in dates)
    if any(conversation < message for conversation, message in dates):
        yield Finding(subject=subject, assumed=assumed, seen="before the newest message")
    elif same * 2 > len(dates):
        yield Finding(
            subject=subject,
            assumed=assumed,
            seen=f"that of the newest message, in {same} of {len(dates)} conversations",
            means="in lists by date_updated every message moves a row",
            behaviour={"message_moves_date_updated": "yes"},
        )
    else:
        yield Finding(subject=subject, assumed=assumed, seen="after the newest message", otherwise=_TOO_LITTLE)


def _query(page: Exchange) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(page.next_page_url or "").query)


def _text(row: dict[str, Any], *names: str) -> str | None:
    """Return the first of these fields that is text."""
    return next((value for name in names if isinstance(value := row.get(name), str)), None)


def _rows(exchanges: Sequence[Exchange], name: str) -> list[dict[str, Any]]:
    return [row for page in _about(exchanges, "pages", name) for row in page.rows]


def _about(exchanges: Sequence[Exchange], about: str, name: str) -> list[Exchange]:
    return [found for found in exchanges if found.about == about and found.resource == name]
