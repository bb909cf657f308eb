"""A server before another one, which alters its answers on their way."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.helpers.raw_server import RawServer, http, raw_server


@asynccontextmanager
async def altered_answers(base_url: str, alter: Callable[[str, bytes], bytes]) -> AsyncIterator[RawServer]:
    """Answer each GET as *base_url* does, with the body that *alter* makes of the target and the true body."""

    def answer(number: int) -> bytes:
        first, *lines = server.requests[number].split("\r\n\r\n")[0].split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        target = first.split(" ")[1]
        asked = Request(base_url + target, headers={"Authorization": headers["Authorization"]})
        try:
            with urlopen(asked) as answered:
                return http(answered.status, alter(target, answered.read()))
        except HTTPError as refusal:
            return http(refusal.code, refusal.read())

    async with raw_server(answer) as server:
        yield server
