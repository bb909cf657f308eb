"""The official client, asynchronous, 50 users at once; rows to pandas, pandas to Parquet.

python -m tests.benchmarks.peers.official_async FOLDER
"""

import asyncio
import os
import sys

import pandas as pd
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

AT_ONCE = 50


async def read() -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    async with AsyncTwilioHttpClient() as http:
        client = Client(os.environ["TWILIO_ACCOUNT_SID"], os.environ["TWILIO_AUTH_TOKEN"], http_client=http)
        client.conversations.base_url = os.environ["BASE_URL"]
        service = client.conversations.v1.services(os.environ["SERVICE"])
        waiting = iter(await service.users.list_async(page_size=50))

        async def work() -> None:
            for user in waiting:
                for row in await service.users(user.sid).user_conversations.list_async(page_size=50):
                    rows.append({name: value for name, value in vars(row).items() if not name.startswith("_")})

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return rows


pd.DataFrame(asyncio.run(read())).to_parquet(f"{sys.argv[1]}/rows.parquet")
