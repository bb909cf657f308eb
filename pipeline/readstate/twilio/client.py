"""Twilio's Conversations as methods: a `Reader`, which cannot write, and a `Writer`, which can."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TypeVar

import msgspec
from msgspec import Struct

from readstate.errors import NotPermitted, UnusableAnswer
from readstate.events import Observer, PageReread, ignore
from readstate.model.resources import (
    Configuration,
    Conversation,
    Message,
    Participant,
    Service,
    User,
    UserConversation,
)
from readstate.twilio.http import request as requests
from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response
from readstate.twilio.http.users_page import read_users
from readstate.twilio.lists.moving_list import ListPosition, MovingList
from readstate.twilio.transport.transport import Transport

T = TypeVar("T")

_SID = re.compile("[A-Z]{2}[0-9a-fA-F]{32}")


class _Services(msgspec.Struct):
    services: list[Service]


class _Messages(msgspec.Struct):
    messages: list[Message]


class UsersPage(Struct, frozen=True):
    """One page of the users of a service, and where the list goes on."""

    users: Sequence[User]
    """Where `readstate.twilio.http.users_page.NO_SID` stands for the SID, the user cannot be read."""
    following: ListPosition | None
    left_empty: Mapping[str, str]
    """Fields of which a value could not be used, each with the first user and the reason."""


class Reader:
    """Reads Twilio's resources; has no method that writes. Every method raises `ApiError` and `TransportError`."""

    def __init__(
        self,
        transport: Transport,
        *,
        page_size: int = requests.MAX_PAGE_SIZE,
        emit: Observer = ignore,
        account_sid: str | None = None,
    ) -> None:
        """Read through *transport*; *account_sid* is the account that has to answer, None for any."""
        self._transport = transport
        self._page_size = page_size
        self._emit = emit
        self._account_sid = account_sid

    async def configuration(self) -> Configuration:
        """Return the account's configuration. Raise `NotPermitted` where another account answers than was named."""
        configuration = await self._get(requests.fetch_configuration(), Configuration)
        answered = configuration.account_sid
        if self._account_sid is not None and answered is not None and answered != self._account_sid:
            raise NotPermitted(
                f"TWILIO_ACCOUNT_SID names {self._account_sid}, but the API key belongs to {answered}",
                hint="Export the key of that account, or unset TWILIO_ACCOUNT_SID if the key is right.",
            )
        return configuration

    async def default_service(self) -> str:
        """Return the SID of the account's default service. Raises `NotPermitted` where the account has none."""
        sid = (await self.configuration()).default_chat_service_sid
        if sid is None:
            raise NotPermitted(
                "this account has no default Conversations service",
                hint="Name one: --service IS… (readstate doctor lists them).",
            )
        return sid

    async def services(self) -> list[Service]:
        """Return all services of the account."""
        moving = MovingList(requests.list_services())
        services: list[Service] = []
        while (page := await self.next_page(moving)) is not None:
            services += page.json(_Services).services
        return services

    async def users(self, service: str | None, *, start: ListPosition | None = None) -> AsyncIterator[UsersPage]:
        """Yield the users of *service* page by page, from *start* if an earlier listing stopped there.

        A user may come twice: where the list moves while it is read, pages of it are read again.
        """
        moving = MovingList(start or requests.list_users(service, self._page_size))
        while (page := await self.next_page(moving)) is not None:
            found = read_users(page)
            yield UsersPage(found.users, moving.position, found.left_empty)

    async def user(self, service: str | None, user: str) -> User:
        """Return one user by SID or identity. Raises `NotFound`, and `UnusableAnswer` where another user comes."""
        request = requests.fetch_user(service, user)
        found = await self._get(request, User)
        _require_named(request, user, (found.sid, found.identity))
        return found

    def user_conversations(self, service: str | None, user: str) -> MovingList:
        """Return the list of one user's conversations, to be read by `next_page`."""
        return MovingList(requests.list_user_conversations(service, user, self._page_size))

    async def user_conversation(self, service: str | None, user: str, conversation: str) -> UserConversation:
        """Return one conversation of one user; each by SID or alias. Raises `NotFound`."""
        return await self._get(requests.fetch_user_conversation(service, user, conversation), UserConversation)

    async def conversation(self, service: str | None, conversation: str) -> Conversation:
        """Return one conversation by SID or unique name. Raises `NotFound`."""
        request = requests.fetch_conversation(service, conversation)
        found = await self._get(request, Conversation)
        _require_named(request, conversation, (found.sid, found.unique_name))
        return found

    async def participant(self, service: str | None, conversation_sid: str, participant: str) -> Participant:
        """Return one participant by SID or identity. Raises `NotFound`."""
        request = requests.fetch_participant(service, conversation_sid, participant)
        found = await self._get(request, Participant)
        _require_named(request, participant, (found.sid, found.identity))
        return found

    async def newest_message_index(self, service: str | None, conversation_sid: str) -> int | None:
        """Return the index of the newest message; None where the conversation is empty. Raises `NotFound`."""
        request = requests.newest_message(service, conversation_sid)
        messages = (await self._get(request, _Messages)).messages
        if not messages:
            return None
        if (index := messages[0].index) is None:
            raise UnusableAnswer(f"GET {request.path}: the newest message has no index")
        return index

    async def next_page(self, moving: MovingList) -> Response | None:
        """Return the next page of a list, an undecoded successful response; None after the last one.

        Where rows may have moved past the reader, pages that may hold them follow once more: a row may come twice.
        """
        while (position := moving.position) is not None:
            page = _accepted(position.request, await self._transport.send(position.request))
            if position.reading > 1:
                self._emit(PageReread(position.request.path))
            if moving.advance(page):
                return page
            del page
        return None

    async def _get(self, request: Request, kind: type[T]) -> T:
        return _accepted(request, await self._transport.send(request)).json(kind)


class Writer(Reader):
    """Reads and writes. A write is sent once; where its outcome is unknown, `Unanswered` says so."""

    async def send(self, request: Request) -> Response:
        """Send a request made by `readstate.twilio.http.request`; return the response, whatever its status.

        For callers that distinguish a refusal from an unknown outcome themselves. Raises `TransportError`, and
        `TooLate` where *request* was not to leave any more.
        """
        return await self._transport.send(request)


def _accepted(request: Request, response: Response) -> Response:
    if not response.ok:
        raise response.error(request)
    return response


def _require_named(request: Request, asked: str, names: tuple[str | None, str | None]) -> None:
    """Raise `UnusableAnswer` unless *asked* is the SID or the alias of what came; a name that is null says nothing.

    A proxy, or an index that ignores case, may answer with another user.
    """
    sid, alias = names
    is_same_sid = sid is not None and sid.lower() == asked.lower()
    found = sid if _SID.fullmatch(asked) else alias
    if found is not None and not is_same_sid and alias != asked:
        raise UnusableAnswer(f"{request.method} {request.path}: the answer is about another resource: {found!r:.80}")
