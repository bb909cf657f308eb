"""HTTP/1.1 answers from bytes, in whatever pieces these come."""

import zlib
from functools import lru_cache
from typing import Final

import httptools

from readstate.twilio.http.response import Response

_MOST_BYTES_WITHOUT_CONTENT: Final = 1 << 16
_GZIP_OR_ZLIB: Final = 47


class Garbled(Exception):
    """The bytes are no HTTP answer, or not one to this request."""


class TooLarge(Exception):
    """The body is larger than allowed."""


class AnswerParser:
    """Reads the answers of one connection, one after the other. The methods named ``on_…`` are for httptools."""

    def __init__(self, max_body_bytes: int) -> None:
        self.keep_alive = False
        """Whether the connection can serve another request; known once the answer is whole."""
        self._max_body_bytes = max_body_bytes
        self._parser = httptools.HttpResponseParser(self)
        self._answer: Response | None = None
        self.on_message_begin()

    def feed(self, data: bytes) -> Response | None:
        """Take *data*; give the answer as soon as it is whole. Raises `Garbled`, `TooLarge`."""
        self._without_content += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._refuse_if_unfinished(error)
        if self._length > self._max_body_bytes:
            raise TooLarge
        if self._without_content > _MOST_BYTES_WITHOUT_CONTENT and self._answer is None:
            raise Garbled("a head or trailer without end")
        return self._taken()

    def end(self) -> Response | None:
        """The connection has ended: give the answer whose body was to last until then. Raises as `feed` does."""
        is_framed = "content-length" in self._headers or "transfer-encoding" in self._headers
        if not self._in_body or is_framed:
            return None
        self._complete()
        return self._taken()

    def on_message_begin(self) -> None:
        """Begin an answer; one right behind another was not asked for, and spoils the connection."""
        if self._answer is not None:
            self.keep_alive = False
        self._headers: dict[str, str] = {}
        self._pieces: list[bytes] = []
        self._length = 0
        self._in_body = False
        self._without_content = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; of several with one name the first counts, and trailers do not."""
        if not self._in_body:
            self._headers.setdefault(_lower(name), value.strip().decode("latin-1"))

    def on_headers_complete(self) -> None:
        """Go on to the body."""
        self._in_body = True

    def on_body(self, piece: bytes) -> None:
        """Take a piece of the body, however it was framed."""
        self._pieces.append(piece)
        self._length += len(piece)
        self._without_content = 0

    def on_message_complete(self) -> None:
        """End the answer, unless it only told that one will come (1xx)."""
        self._in_body = False
        if self._answer is None and self._parser.get_status_code() >= 200:
            self._complete()

    def _complete(self) -> None:
        body = b"".join(self._pieces)
        self._answer = Response(self._parser.get_status_code(), self._headers, body)
        self.keep_alive = self._parser.should_keep_alive()

    def _refuse_if_unfinished(self, error: Exception) -> None:
        if self._answer is None:
            raise Garbled(f"{type(error).__name__}: {error}") from error
        self.keep_alive = False

    def _taken(self) -> Response | None:
        answer, self._answer = self._answer, None
        if answer is not None and "content-encoding" in answer.headers:
            return Response(answer.status, answer.headers, self._unpacked(answer))
        return answer

    def _unpacked(self, answer: Response) -> bytes:
        """Unpack a body that came compressed although nobody asked for it."""
        encoding = answer.headers["content-encoding"].lower()
        if encoding == "identity" or not answer.body:
            return answer.body
        if encoding not in {"gzip", "deflate"}:
            raise Garbled(f"content encoding {encoding!r}")
        unpacking = zlib.decompressobj(_GZIP_OR_ZLIB)
        try:
            body = unpacking.decompress(answer.body, self._max_body_bytes + 1)
        except zlib.error as error:
            raise Garbled(str(error)) from error
        if len(body) > self._max_body_bytes:
            raise TooLarge
        if not unpacking.eof:
            raise Garbled("the compressed body is cut off")
        return body


@lru_cache(maxsize=256)
def _lower(name: bytes) -> str:
    return name.decode("latin-1").lower()
