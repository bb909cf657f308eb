"""The questions of a probe: GETs, asked one after the other; only the last ones are asked at once."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final

import msgspec

from readstate.clock import Clock
from readstate.concurrency import bounded_map
from readstate.errors import TransportError
from readstate.probe.exchange import About, Exchange
from readstate.probe.identity_findings import telling_identities
from readstate.twilio.http.paging import follow
from readstate.twilio.http.request import Request, segment
from readstate.twilio.http.response import Response

PLAN: Final = (
    ("the configuration, the services, and the settings of up to ten", 13),
    ("users, conversations, a user's conversations, participants, messages: one page of 1000 each", 5),
    ("the same lists without messages: two pages each, of 20 at most", 8),
    ("the conversations of up to 20 users, to find a list of several pages", 20),
    ("the participants of up to ten conversations, and the newest messages of up to five", 15),
    ("Page=1 without a token, a user who does not exist, the conversations of an identity", 3),
    ("users by identities with reserved characters, encoded", 10),
    ("one user: 20 times alone, 20 times by fours, 32 times by sixteens", 72),
    ("what was answered by a 5xx or without JSON, once more", 5),
    ("the configuration by HTTP/2", 1),
)
"""What is asked, and how often at most."""
_TOO_LARGE: Final = "1000"
_PAGE: Final = 20
_USERS: Final = 20
_CONVERSATIONS: Final = 10
_NEWEST: Final = 5
_SERVICES: Final = 10
_IDENTITIES: Final = 10
_REPEATED: Final = 5
_TIMED: Final = ((1, 20), (4, 20), (16, 32))
"""How many at once, and how many in all."""
_NOBODY: Final = "US" + "0" * 32

Send = Callable[[Request], Awaitable[Response]]


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What an account answered."""

    exchanges: list[Exchange]
    ended_by: str | None
    """What ended the questions before the last one."""


async def ask_account(send: Send, clock: Clock, *, origin: str, service: str | None = None) -> Answers:
    """Return the answers to every question, or to those before a 429, a 401 or a lost connection.

    Raise `TransportError` where not even the first one was answered.
    """
    questions = _Questions(send, clock, origin, "/v1" if service is None else f"/v1/Services/{service}")
    try:
        await questions.ask()
    except _Refused as refused:
        return Answers(exchanges=questions.exchanges, ended_by=str(refused))
    except TransportError as error:
        if not questions.exchanges:
            raise
        return Answers(exchanges=questions.exchanges, ended_by=error.message)
    return Answers(exchanges=questions.exchanges, ended_by=None)


class _Refused(Exception):
    """The account's other traffic comes first, or the credentials are none."""


class _Questions:
    def __init__(self, send: Send, clock: Clock, origin: str, prefix: str) -> None:
        self._send = send
        self._clock = clock
        self._origin = origin
        self._prefix = prefix
        self._repeated = 0
        self.exchanges: list[Exchange] = []

    async def ask(self) -> None:
        await self._get("resource", "configuration", Request("GET", "/v1/Configuration"))
        services = await self._get("largest_page", "services", _page("/v1/Services", _TOO_LARGE))
        if not services.is_page:
            services = await self._get("resource", "services", _page("/v1/Services", str(_PAGE)))
        for sid in list(_sids([services]))[:_SERVICES]:
            await self._get("service_settings", "configuration", Request("GET", f"/v1/Services/{sid}/Configuration"))
        users = await self._list("users", f"{self._prefix}/Users")
        conversations = await self._list("conversations", f"{self._prefix}/Conversations")
        sids = list(_sids(conversations))[:_CONVERSATIONS]
        await self._list("user_conversations", await self._longest("user_conversations", [
            f"{self._prefix}/Users/{sid}/Conversations" for sid in list(_sids(users))[:_USERS]
        ]))  # fmt: skip
        await self._list("participants", await self._longest("participants", [
            f"{self._prefix}/Conversations/{sid}/Participants" for sid in sids
        ]))  # fmt: skip
        for sid in sids[:_NEWEST]:
            path = f"{self._prefix}/Conversations/{sid}/Messages"
            await self._get("newest_message", "messages", _page(path, "1", ("Order", "desc")))
        if sids:
            path = f"{self._prefix}/Conversations/{sids[0]}/Messages"
            await self._get("largest_page", "messages", _page(path, _TOO_LARGE))
        await self._ask_about_users([found for found in self.exchanges if found.resource == "users"])
        for at_once, count in _TIMED:
            await self._time(at_once, count)

    async def _list(self, name: str, path: str | None) -> list[Exchange]:
        if path is None:
            return []
        largest = await self._get("largest_page", name, _page(path, _TOO_LARGE))
        # A list of few rows has a second page all the same, where its pages are small enough.
        size = min(_PAGE, max(1, len(largest.rows) // 2)) if largest.is_page else _PAGE
        request = _page(path, str(size))
        pages = [await self._get("pages", name, request)]
        following = pages[0].next_page_url or ""
        if "PageToken=" in following:
            pages.append(await self._get("pages", name, follow(request, following)))
        return pages

    async def _longest(self, name: str, paths: Sequence[str]) -> str | None:
        """Return the path of the longest list; the first of several pages ends the search."""
        longest, found = -1, None
        for path in paths:
            page = await self._get("resource", name, _page(path, str(_PAGE)))
            if len(page.rows) > longest:
                longest, found = len(page.rows), path
            if page.next_page_url:
                break
        return found

    async def _ask_about_users(self, users: Sequence[Exchange]) -> None:
        path = f"{self._prefix}/Users"
        await self._get("page_by_number", "users", _page(path, "1", ("Page", "1")))
        await self._get("missing_user", "users", Request("GET", f"{path}/{_NOBODY}"))
        identities = [text for page in users for row in page.rows if isinstance(text := row.get("identity"), str)]
        if identities:
            query = (("Identity", identities[0]), ("PageSize", "1"))
            request = Request("GET", f"{self._prefix}/ParticipantConversations", query)
            await self._get("resource", "participant_conversations", request)
        for identity in telling_identities(identities, most=_IDENTITIES):
            await self._get("identity", "users", Request("GET", f"{path}/{segment(identity)}"))

    async def _time(self, at_once: int, count: int) -> None:
        request = _page(f"{self._prefix}/Users", "1")

        async def ask(_: int) -> Exchange:
            return await self._exchange("latency", "users", request, at_once)

        async with bounded_map(ask, range(count), limit=at_once) as answers:
            async for answer in answers:
                _require_welcome(answer)

    async def _get(self, about: About, resource: str, request: Request) -> Exchange:
        exchange = await self._exchange(about, resource, request, 1)
        if exchange.is_stray and self._repeated < _REPEATED:
            self._repeated += 1
            self.exchanges[-1] = msgspec.structs.replace(exchange, about="stray_error")
            exchange = await self._exchange(about, resource, request, 1)
        _require_welcome(exchange)
        return exchange

    async def _exchange(self, about: About, resource: str, request: Request, at_once: int) -> Exchange:
        sent_at, began = self._clock.now().timestamp(), self._clock.monotonic()
        response = await self._send(request)
        exchange = Exchange(
            about=about,
            resource=resource,
            target=request.target,
            origin=self._origin,
            status=response.status,
            headers=response.headers,
            body=response.body,
            sent_at=sent_at,
            seconds=self._clock.monotonic() - began,
            at_once=at_once,
        )
        self.exchanges.append(exchange)
        return exchange


def _require_welcome(exchange: Exchange) -> None:
    if exchange.status in {401, 429}:
        raise _Refused(f"the account answered {exchange.outcome}")


def _page(path: str, size: str, *more: tuple[str, str]) -> Request:
    return Request("GET", path, (*more, ("PageSize", size)))


def _sids(pages: Sequence[Exchange]) -> Iterator[str]:
    found = (row.get("sid") for page in pages for row in page.rows)
    return (sid for sid in found if isinstance(sid, str) and sid.isascii() and sid.isalnum())
