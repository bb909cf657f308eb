"""The official client, synchronous, in a pool of 10 threads (as many connections as it keeps); pandas to Parquet.

python -m tests.benchmarks.peers.official_sync FOLDER
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
from twilio.rest import Client

THREADS = 10

client = Client(os.environ["TWILIO_ACCOUNT_SID"], os.environ["TWILIO_AUTH_TOKEN"])
client.conversations.base_url = os.environ["BASE_URL"]
service = client.conversations.v1.services(os.environ["SERVICE"])


def read(user: str) -> list[dict[str, object]]:
    return [
        {name: value for name, value in vars(row).items() if not name.startswith("_")}
        for row in service.users(user).user_conversations.list(page_size=50)
    ]


with ThreadPoolExecutor(THREADS) as pool:
    users = [user.sid for user in service.users.list(page_size=50)]
    found = [row for rows in pool.map(read, users) for row in rows]
pd.DataFrame(found).to_parquet(f"{sys.argv[1]}/rows.parquet")
