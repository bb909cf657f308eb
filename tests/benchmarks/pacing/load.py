"""Endless reading of single users by one client, for a number of seconds; prints what came of each second as JSON.

python -m tests.benchmarks.pacing.load readstate|official SECONDS WORKERS
"""

import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable

from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from readstate.clock import SystemClock
from readstate.errors import ApiError, TransportError
from readstate.events import Event, RequestAnswered, SharedPaceFound, SharedPaceLost
from readstate.settings.credentials import Credentials
from readstate.settings.settings import Settings
from readstate.twilio.connect import connection

_ACCOUNT = "TWILIO_ACCOUNT_SID"


class Seconds:
    """Answers by status, for each second since the start."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.answers: Counter[tuple[int, str]] = Counter()
        self.events: list[tuple[int, str]] = []

    def count(self, kind: str) -> None:
        self.answers[int(time.monotonic() - self.began), kind] += 1

    def count_status(self, status: int) -> None:
        self.count("accepted" if status < 429 else "refused" if status == 429 else "failed")

    def listen(self, event: Event) -> None:
        if isinstance(event, RequestAnswered):
            self.count_status(event.status)
        elif isinstance(event, SharedPaceLost | SharedPaceFound):
            self.events.append((round(time.monotonic() - self.began), type(event).__name__))


async def read(fetch: Callable[[], Awaitable[object]], seconds: float, workers: int) -> int:
    """Keep *workers* busy; gives how many reads were given up."""
    end = time.monotonic() + seconds
    given_up = 0

    async def work() -> None:
        nonlocal given_up
        while time.monotonic() < end:
            try:
                await fetch()
            except (ApiError, TransportError, TwilioRestException, OSError, TimeoutError):
                given_up += 1
                await asyncio.sleep(0.3)  # what any caller would write around it

    tasks = [asyncio.create_task(work()) for _ in range(workers)]
    await asyncio.wait(tasks, timeout=seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return given_up


async def readstate(counted: Seconds, seconds: float, workers: int) -> int:
    shared = os.environ.get("SHARED_PACE", "")
    settings = Settings(
        base_url=os.environ["BASE_URL"],
        work_dir="unused",
        max_outage="15m",
        shared_pace=shared,
    )
    credentials = Credentials(os.environ[_ACCOUNT], os.environ[_ACCOUNT], os.environ["TWILIO_AUTH_TOKEN"])
    async with connection(settings, credentials, clock=SystemClock(), emit=counted.listen) as connected:
        reader = connected.reader()
        user = (await anext(aiter(reader.users(None)))).users[0].sid
        return await read(lambda: reader.user(None, user), seconds, workers)


async def official(counted: Seconds, seconds: float, workers: int) -> int:
    """The official client with its own retries, which cover 5xx and lost connections; a 429 it raises."""

    class Counting(AsyncTwilioHttpClient):
        async def request(self, *args, **kwargs):  # type: ignore[no-untyped-def]
            response = await super().request(*args, **kwargs)
            counted.count_status(response.status_code)
            return response

    async with Counting(max_retries=5) as http:
        client = Client(os.environ[_ACCOUNT], os.environ["TWILIO_AUTH_TOKEN"], http_client=http)
        client.conversations.base_url = os.environ["BASE_URL"]
        user = (await client.conversations.v1.users.list_async(limit=1))[0].sid
        return await read(lambda: client.conversations.v1.users(user).fetch_async(), seconds, workers)


def main() -> None:
    kind, seconds, workers = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    counted = Seconds()
    given_up = asyncio.run({"readstate": readstate, "official": official}[kind](counted, seconds, workers))
    rows = [[second, kind, count] for (second, kind), count in sorted(counted.answers.items())]
    print(json.dumps({"seconds": rows, "given_up": given_up, "began": counted.began, "events": counted.events}))


if __name__ == "__main__":
    main()
