"""aioresponses, made to work with the aiohttp of today."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import Mock

from aiohttp import ClientResponse
from aioresponses import aioresponses


class _Answer(ClientResponse):
    """aioresponses 0.7.9 builds answers without the `stream_writer` that aiohttp 3.14 asks for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("stream_writer", Mock(output_size=0))
        super().__init__(*args, **kwargs)


class HttpMock:
    """Answers instead of the network; `requests` is what was asked."""

    def __init__(self, inner: aioresponses) -> None:
        self._inner = inner

    def answer(self, method: str, url: str, **kwargs: Any) -> None:
        self._inner.add(url, method, response_class=_Answer, **kwargs)

    @property
    def requests(self) -> list[tuple[str, str]]:
        return [(method, str(url)) for (method, url), calls in self._inner.requests.items() for _ in calls]


@contextmanager
def http_mock() -> Iterator[HttpMock]:
    with aioresponses() as inner:
        yield HttpMock(inner)
