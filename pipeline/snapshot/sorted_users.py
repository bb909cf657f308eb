"""The users of a snapshot as a sorted stream: they are published in the order in which Twilio listed them."""

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa

from pipeline.snapshot.in_step import with_joined_key
from pipeline.snapshot.snapshot import Snapshot

USER_KEY = ("chat_service_sid", "sid")
"""Names one user: the same SID is never used in two services, but a service's users belong together."""

_BATCH_ROWS = 32_768


@contextmanager
def sorted_users(snapshot: Snapshot) -> Iterator[Iterator[pa.Table]]:
    """Stream the users by key, sorted on disk where memory does not suffice.

    Users that a file named and Twilio did not know have no SID; they are left out.
    """
    with TemporaryDirectory(prefix="readstate-") as folder, duckdb.connect(":memory:") as connection:
        connection.execute(f"SET temp_directory='{folder}'")
        connection.execute("SET memory_limit='200MB'")
        connection.register("users", snapshot.dataset("users"))
        reader = connection.sql(
            "SELECT * FROM users WHERE sid IS NOT NULL ORDER BY chat_service_sid, sid"
        ).fetch_arrow_reader(_BATCH_ROWS)
        yield (with_joined_key(pa.table(batch), USER_KEY) for batch in reader)
