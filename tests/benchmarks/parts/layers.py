"""What each layer of the client adds to a request, in CPU time of this process.

    python -m tests.benchmarks.parts.layers [REQUESTS] [ROUNDS]

Lists of one page from a simulator in another process, 50 at once; the layers take turns, medians are printed.
"""

import asyncio
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp

from readstate.clock import SystemClock
from readstate.concurrency import bounded_map
from readstate.settings.credentials import Credentials
from readstate.settings.settings import load_settings
from readstate.twilio.client import Reader
from readstate.twilio.connect import open_transport
from readstate.twilio.http.request import list_user_conversations
from readstate.twilio.pacing.limiter import AdaptiveLimiter, LimiterSettings
from readstate.twilio.retry import Retrying, RetryPolicy
from readstate.twilio.throttle import Throttled
from readstate_jobs.cli.event_loop import _loop_factory
from tests.benchmarks.measured import simulator

PARALLEL = 50
Ask = Callable[[str], Awaitable[object]]


@asynccontextmanager
async def layers(env: dict[str, str]) -> AsyncIterator[dict[str, Ask]]:
    account, secret = env["TWILIO_ACCOUNT_SID"], env["TWILIO_AUTH_TOKEN"]
    settings = load_settings(flags={"base_url": env["BASE_URL"]}, environ={}).settings
    clock = SystemClock()
    service = env["SERVICE"]
    async with (
        aiohttp.ClientSession(
            headers={"Authorization": aiohttp.encode_basic_auth(account, secret)},
            connector=aiohttp.TCPConnector(limit=0),
        ) as session,
        open_transport(settings, Credentials(account, account, secret)) as transport,
    ):
        throttled = Throttled(transport, AdaptiveLimiter(LimiterSettings(initial_in_flight=PARALLEL)), clock)
        retrying = Retrying(throttled, policy=RetryPolicy(), clock=clock)
        reader = Reader(retrying)

        async def bare(user: str) -> object:
            url = f"{env['BASE_URL']}/v1/Services/{service}/Users/{user}/Conversations?PageSize=50"
            async with session.get(url) as answer:
                return await answer.read()

        async def pages(user: str) -> object:
            listed = reader.user_conversations(service, user)
            while await reader.next_page(listed) is not None:
                pass
            return listed

        yield {
            "aiohttp alone": bare,
            "transport": lambda user: transport.send(list_user_conversations(service, user)),
            "+ throttle": lambda user: throttled.send(list_user_conversations(service, user)),
            "+ retry": lambda user: retrying.send(list_user_conversations(service, user)),
            "+ reader": pages,
        }


async def measure(env: dict[str, str], requests: int, rounds: int) -> None:
    account, secret = env["TWILIO_ACCOUNT_SID"], env["TWILIO_AUTH_TOKEN"]
    settings = load_settings(flags={"base_url": env["BASE_URL"]}, environ={}).settings
    users: list[str] = []
    async with open_transport(settings, Credentials(account, account, secret)) as transport:
        reader = Reader(transport)
        env["SERVICE"] = await reader.default_service()
        async for page in reader.users(env["SERVICE"]):
            users.extend(user.sid for user in page.users)
            if len(users) >= requests:
                break
    users = users[:requests]
    costs: dict[str, list[float]] = {}
    async with layers(env) as asking:
        for number in range(rounds + 1):
            for name, ask in asking.items():
                began = time.process_time()
                async with bounded_map(ask, users, limit=PARALLEL) as answers:
                    async for _ in answers:
                        pass
                if number:
                    costs.setdefault(name, []).append((time.process_time() - began) / len(users))
    alone = statistics.median(costs["aiohttp alone"])
    print(f"{len(users)} requests, {rounds} rounds, medians; bounded_map is in each of them")
    for name, seconds in costs.items():
        median = statistics.median(seconds)
        print(f"  {name:14} {1e6 * median:6.0f} µs a request, {median / alone:.2f} of aiohttp alone")


def main(requests: int = 3000, rounds: int = 5) -> None:
    with simulator(
        "--users", str(requests), "--heaviest", "40", "--fault", "concurrency_cap=none", "--prerender"
    ) as env:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(measure(dict(env), requests, rounds))


if __name__ == "__main__":
    os.environ.pop("PYTHONASYNCIODEBUG", None)
    main(*map(int, sys.argv[1:]))
