"""What people do without readstate: the official client, asynchronous, many users at once, rows into a list.

    python -m tests.benchmarks.official_client USERS PARALLEL

Lists USERS users of the default service and all of their conversations; prints users, rows and requests.
"""

import asyncio
import json
import os
import sys
import time

from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client


async def main(users: int, parallel: int) -> None:
    rows: list[dict[str, object]] = []
    requests = 0

    class Counting(AsyncTwilioHttpClient):
        async def request(self, *args, **kwargs):  # type: ignore[no-untyped-def]
            nonlocal requests
            requests += 1
            return await super().request(*args, **kwargs)

    began = time.perf_counter()
    async with Counting(max_retries=3) as http:
        client = Client(os.environ["TWILIO_ACCOUNT_SID"], os.environ["TWILIO_AUTH_TOKEN"], http_client=http)
        client.conversations.base_url = os.environ["BASE_URL"]
        found = await client.conversations.v1.users.list_async(limit=users, page_size=50)
        waiting = iter(found)

        async def work() -> None:
            for user in waiting:
                conversations = client.conversations.v1.users(user.sid).user_conversations
                rows.extend(vars(row) for row in await conversations.list_async(page_size=50))

        await asyncio.gather(*(work() for _ in range(parallel)))
    seconds = time.perf_counter() - began
    print(json.dumps({"users": len(found), "rows": len(rows), "requests": requests, "seconds": seconds}))


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
