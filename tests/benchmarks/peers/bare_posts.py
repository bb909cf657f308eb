"""A bare loop of POSTs, one for each line of a file of changes, so many at once.

python -m tests.benchmarks.peers.bare_posts CHANGES.csv AT_ONCE
"""

import asyncio
import csv
import os
import sys
from pathlib import Path

import aiohttp

USERS = f"{os.environ['BASE_URL']}/v1/Services/{os.environ['SERVICE']}/Users"


async def send(todo: list[dict[str, str]], at_once: int) -> None:
    authorization = aiohttp.encode_basic_auth(os.environ["TWILIO_ACCOUNT_SID"], os.environ["TWILIO_AUTH_TOKEN"])
    async with aiohttp.ClientSession(
        headers={"Authorization": authorization}, connector=aiohttp.TCPConnector(limit=0)
    ) as session:

        async def work() -> None:
            while todo:
                line = todo.pop()
                level = {"NotificationLevel": line["notification_level"]}
                url = f"{USERS}/{line['user']}/Conversations/{line['conversation']}"
                async with session.post(url, data=level) as answer:
                    answer.raise_for_status()
                    await answer.read()

        await asyncio.gather(*(work() for _ in range(at_once)))


with Path(sys.argv[1]).open(newline="") as file:
    asyncio.run(send(list(csv.DictReader(file)), int(sys.argv[2])))
