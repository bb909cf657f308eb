"""The script that many would write: aiohttp, 50 users at once, ``.json()``, pandas to Parquet.

python -m tests.benchmarks.peers.script FOLDER
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator

import aiohttp
import pandas as pd

AT_ONCE = 50
SERVICE = f"{os.environ['BASE_URL']}/v1/Services/{os.environ['SERVICE']}"


async def pages(session: aiohttp.ClientSession, url: str, key: str) -> AsyncIterator[list[dict[str, object]]]:
    next_page: str | None = f"{url}?PageSize=50"
    while next_page:
        async with session.get(next_page) as answer:
            answer.raise_for_status()
            page = await answer.json()
        yield page[key]
        next_page = page["meta"]["next_page_url"]


async def read() -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    authorization = aiohttp.encode_basic_auth(os.environ["TWILIO_ACCOUNT_SID"], os.environ["TWILIO_AUTH_TOKEN"])
    async with aiohttp.ClientSession(
        headers={"Authorization": authorization}, connector=aiohttp.TCPConnector(limit=AT_ONCE)
    ) as session:
        users = [user["sid"] async for page in pages(session, f"{SERVICE}/Users", "users") for user in page]
        waiting = iter(users)

        async def work() -> None:
            for user in waiting:
                async for page in pages(session, f"{SERVICE}/Users/{user}/Conversations", "conversations"):
                    rows.extend(page)

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return rows


pd.DataFrame(asyncio.run(read())).to_parquet(f"{sys.argv[1]}/rows.parquet")
