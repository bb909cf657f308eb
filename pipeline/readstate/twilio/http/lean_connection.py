"""One connection: sends a request, waits for its answer, and is then free for the next."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

from readstate.errors import TransportError
from readstate.twilio.http.lean_answer import AnswerParser, Garbled, TooLarge
from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response
from readstate.twilio.http.transport_errors import no_whole_answer, too_large


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much an answer may be."""

    read_seconds: float
    """Between two bytes."""
    request_seconds: float
    """From the first byte sent to the last received."""
    max_body_bytes: int


class Owner(Protocol):
    """Who hears what becomes of a connection."""

    def opened(self, connection: "Connection") -> None:
        """Hear that it is there."""
        ...

    def free(self, connection: "Connection") -> None:
        """Hear that it can take another request."""
        ...

    def lost(self, connection: "Connection") -> None:
        """Hear that it is gone."""
        ...


class Connection(asyncio.Protocol):
    """Asks one thing at a time, and never twice. Once anything went wrong it is closed."""

    def __init__(self, owner: Owner, limits: Limits) -> None:
        self.is_open = False
        """Whether another request may be sent."""
        self.last_heard = 0.0
        """When the last bytes came, by the loop's clock."""
        self._owner = owner
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._parser = AnswerParser(limits.max_body_bytes)
        self._asked: tuple[Request, asyncio.Future[Response]] | None = None
        self._began = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def ask(self, request: Request, payload: bytes) -> Response:
        """Send *payload*, which is *request* in bytes. Raises `Unanswered`, `UnusableAnswer`."""
        answer: asyncio.Future[Response] = self._loop.create_future()
        asked = self._asked = (request, answer)
        self._began = self.last_heard = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_at(self._due(), self._look_at_the_clock)
        try:
            self._transport.write(payload)
            return await answer
        finally:
            if self._asked is asked:  # cancelled: the answer may still come, and must not be taken for the next one
                self._asked = None
                self.abort()

    def close(self) -> None:
        """Hang up."""
        self.is_open = False
        self._transport.close()

    def abort(self) -> None:
        """Hang up without a farewell that the server could delay."""
        self.is_open = False
        self._transport.abort()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self.is_open = True
        self._owner.opened(self)

    def data_received(self, data: bytes) -> None:
        """Take bytes of the answer; from a server that was asked nothing, take them as a farewell."""
        if self._asked is None:
            self.close()
            return
        self.last_heard = self._loop.time()
        self._read(self._asked[0], lambda: self._parser.feed(data))

    def eof_received(self) -> None:
        """Hear that nothing will come any more, before the loop says that the connection is gone."""
        self.is_open = False

    def connection_lost(self, exc: Exception | None) -> None:
        """End, perhaps with an answer that was to last until now."""
        self.is_open = False
        if self._timer is not None:
            self._timer.cancel()
        if self._asked is not None and exc is None:
            self._read(self._asked[0], self._parser.end)
        if self._asked is not None:
            self._fail(no_whole_answer(self._asked[0], exc or "the server closed the connection"))
        self._owner.lost(self)

    def _read(self, request: Request, answer_so_far: Callable[[], Response | None]) -> None:
        try:
            response = answer_so_far()
        except Garbled as error:
            self._fail(no_whole_answer(request, str(error)))
        except TooLarge:
            self._fail(too_large(request, self._limits.max_body_bytes))
        else:
            if response is not None:
                self._finish(response)

    def _finish(self, response: Response) -> None:
        assert self._asked is not None
        answer = self._asked[1]
        self._asked = None
        if not answer.done():
            answer.set_result(response)
        if self._parser.keep_alive and self.is_open:
            self._owner.free(self)
        else:
            self.close()

    def _fail(self, error: TransportError) -> None:
        assert self._asked is not None
        answer = self._asked[1]
        self._asked = None
        if not answer.done():
            answer.set_exception(error)
        self.abort()

    # One timer for all requests of a connection: when it rings, it looks whether it is due, and is set again if not.

    def _due(self) -> float:
        return min(self.last_heard + self._limits.read_seconds, self._began + self._limits.request_seconds)

    def _look_at_the_clock(self) -> None:
        self._timer = None
        if self._asked is None:
            return
        if self._loop.time() < self._due():
            self._timer = self._loop.call_at(self._due(), self._look_at_the_clock)
        else:
            self._fail(no_whole_answer(self._asked[0], "nothing more came in time"))
