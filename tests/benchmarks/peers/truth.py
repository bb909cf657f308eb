"""What there is to read, by the slowest and most obvious way: one request after the other, nothing but the library.

    python -m tests.benchmarks.peers.truth FOLDER

Writes the keys and horizons, prints how many users, requests, rows and bytes of JSON it took, and the longest list.
"""

import json
import os
import sys
from base64 import b64encode
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

KEPT = ("user_sid", "conversation_sid", "last_read_message_index")
ADDRESS = urlsplit(os.environ["BASE_URL"])
BASIC = b64encode(f"{os.environ['TWILIO_ACCOUNT_SID']}:{os.environ['TWILIO_AUTH_TOKEN']}".encode()).decode()

connection = (HTTPSConnection if ADDRESS.scheme == "https" else HTTPConnection)(ADDRESS.netloc)
counts = {"users": 0, "requests": 0, "user_pages": 0, "longest_list": 0, "rows": 0, "json_bytes": 0}


def pages(target: str, key: str) -> Iterator[tuple[list[dict[str, object]], int]]:
    url = f"/v1/Services/{os.environ['SERVICE']}/{target}?PageSize=50"
    while url:
        connection.request("GET", url, headers={"Authorization": f"Basic {BASIC}"})
        body = connection.getresponse().read()
        counts["requests"] += 1
        page = json.loads(body)
        yield page[key], len(body)
        url = (page["meta"]["next_page_url"] or "").removeprefix(os.environ["BASE_URL"])


found: dict[str, list[object]] = {name: [] for name in KEPT}
for users, _ in pages("Users", "users"):
    counts["users"] += len(users)
    counts["user_pages"] += 1
    for user in users:
        before = counts["requests"]
        for rows, size in pages(f"Users/{user['sid']}/Conversations", "conversations"):
            counts["rows"] += len(rows)
            counts["json_bytes"] += size
            for name, column in found.items():
                column.extend(row[name] for row in rows)
        counts["longest_list"] = max(counts["longest_list"], counts["requests"] - before)
pq.write_table(pa.table(found), f"{sys.argv[1]}/rows.parquet")
print(json.dumps(counts))
