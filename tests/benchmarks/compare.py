"""What comparing two large snapshots takes, against a full outer join in DuckDB.

    python -m tests.benchmarks.compare [MILLION_ROWS] [FOLDER]

Makes two snapshots of so many rows a side (kept in FOLDER, if one is given; 1 % of the rows came, 1 % went, 5 % were
read meanwhile), then runs each way as a process of its own and prints its time and its peak of memory.
"""

import hashlib
import os
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np
import pyarrow as pa

from readstate.snapshot.published.manifest import ServiceUsers, SnapshotFile, UserCounts, partition
from readstate.snapshot.published.parquet import open_row_group_writer
from readstate.snapshot.published.roster_tables import write_users
from readstate.snapshot.published.schema import KEY, USER_CONVERSATIONS
from readstate.snapshot.published.snapshot_store import open_store
from tests.benchmarks.measured import measure
from tests.helpers.snapshots import manifest

DAYS = (date(2026, 11, 22), date(2026, 11, 23))
ROW_GROUP = 32_800  # a multiple of ROWS_PER_USER
ROWS_PER_FILE = 2_500_000
ROWS_PER_USER = 40
SERVICE = "IS" + "b" * 32
ADDRESS = "https://conversations.twilio.com/v1"


def conversations(start: int, rows: int, day: date) -> pa.Table:
    """Rows *start* to *start* + *rows* of a snapshot: the same on both days, but for the changes."""
    chance = np.random.default_rng(start)
    number = np.arange(start, start + rows)
    unread = chance.integers(0, 1200, rows).clip(max=1000)
    horizon = chance.integers(0, 5000, rows)
    state, level = chance.choice(["active", "inactive", "closed"], rows), chance.choice(["default", "muted"], rows)
    came, went, read = chance.random((3, rows)) < [[0.01], [0.01], [0.05]]
    if day == DAYS[1]:
        unread, horizon = np.where(read, 0, unread), horizon + read
    hashes = [hashlib.md5(b"%d" % one, usedforsecurity=False).hexdigest() for one in number]
    users = [f"US{one // ROWS_PER_USER:032x}" for one in number]
    own = sorted(f"CH{one // ROWS_PER_USER:08x}{text[:24]}" for one, text in zip(number, hashes, strict=True))
    columns = {
        "account_sid": ["AC" + "a" * 32] * rows,
        "chat_service_sid": [SERVICE] * rows,
        "conversation_sid": own,
        "unread_messages_count": unread,
        "last_read_message_index": horizon,
        "participant_sid": [f"MB{text}" for text in hashes],
        "user_sid": users,
        "friendly_name": [f"Conversation {one % 5000}" for one in number],
        "conversation_state": state,
        "attributes": ["{}"] * rows,
        "date_created": [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=int(one)) for one in number],
        "date_updated": [datetime(2026, 6, 1, tzinfo=UTC) + timedelta(seconds=int(one)) for one in number],
        "created_by": ["system"] * rows,
        "notification_level": level,
        "url": [f"{ADDRESS}/Users/{user}/Conversations/{one}" for user, one in zip(users, own, strict=True)],
        "links_participant": [f"{ADDRESS}/Conversations/{one}/Participants/MB" for one in own],
        "links_conversation": [f"{ADDRESS}/Conversations/{one}" for one in own],
        "snapshot_at": [datetime(day.year, day.month, day.day, tzinfo=UTC)] * rows,
        "identity": [f"user-{one // ROWS_PER_USER}" for one in number],
        "unread_capped": unread == 1000,
    }
    table = pa.table(
        {
            field.name: pa.array(columns[field.name]).cast(field.type)
            if field.name in columns
            else pa.nulls(rows, field.type)
            for field in USER_CONVERSATIONS
        },
        schema=USER_CONVERSATIONS,
    )
    return table.filter(pa.array(~(went if day == DAYS[1] else came)))


def publish(root: Path, day: date, rows: int) -> None:
    store, files = open_store(str(root)), []
    for number, start in enumerate(range(0, rows, ROWS_PER_FILE)):
        local = root.parent / "part.parquet"
        with open_row_group_writer(local, USER_CONVERSATIONS) as parquet:
            for at in range(start, min(start + ROWS_PER_FILE, rows), ROW_GROUP):
                parquet.write(conversations(at, min(ROW_GROUP, start + ROWS_PER_FILE - at, rows - at), day))
        path = f"{partition('user_conversations', day)}/r-{number:05}.parquet"
        store.objects.put(local, path)
        files.append(SnapshotFile(path, "user_conversations", parquet.rows, parquet.bytes, parquet.sha256))
    count = -(-rows // ROWS_PER_USER)
    lines = (
        {"sid": f"US{one:032x}", "chat_service_sid": SERVICE, "identity": f"user-{one}", "result": "read"}
        for one in range(count)
    )
    users = write_users(lines, root.parent, blanked_columns=())
    path = f"{partition('users', day)}/r-00000.parquet"
    store.objects.put(users.path, path)
    files.append(SnapshotFile(path, "users", users.rows, users.bytes, users.sha256))
    known = {"services": (ServiceUsers(SERVICE, count),), "users": UserCounts(count, count, 0, 0)}
    rows = sum(file.rows for file in files if file.dataset == "user_conversations")
    store.publish(manifest(*files, run_id="r", day=day, rows=rows, **known))


def join(root: str, memory: str) -> None:
    """The road not taken: a full outer join that counts, for each field, the rows that differ."""
    old, new = (f"'{root}/user_conversations/snapshot_date={day}/*.parquet'" for day in DAYS)
    fields = [name for name in USER_CONVERSATIONS.names if name not in {*KEY, "snapshot_at", "unread_capped"}]
    differing = ", ".join(
        f"count(*) FILTER (old.conversation_sid IS NOT NULL AND new.conversation_sid IS NOT NULL"
        f" AND old.{name} IS DISTINCT FROM new.{name})"
        for name in fields
    )
    with TemporaryDirectory() as folder, duckdb.connect() as connection:
        connection.execute(f"SET memory_limit='{memory}'; SET temp_directory='{folder}'")
        connection.execute("SET preserve_insertion_order=false")
        found = connection.execute(
            "SELECT count(*) FILTER (old.conversation_sid IS NULL), count(*) FILTER (new.conversation_sid IS NULL),"
            f" {differing} FROM {old} AS old FULL OUTER JOIN {new} AS new USING ({', '.join(KEY)})"
        ).fetchone()
    sys.stdout.write(f"added, removed, then by field: {found}\n")


def compare(folder: Path, millions: float) -> None:
    root = folder / "root"
    if not open_store(str(root)).dates():
        for day in DAYS:
            publish(root, day, int(millions * 1e6))
    ways = {
        "side by side": ["-m", "readstate_jobs", "compare", str(root)],
        "side by side, with the feed": ["-m", "readstate_jobs", "compare", str(root), "--out", str(folder / "feed")],
        "outer join, 700 MB allowed": ["-m", "tests.benchmarks.compare", "--join", str(root), "700MB"],
        "outer join, 3 GB allowed": ["-m", "tests.benchmarks.compare", "--join", str(root), "3GB"],
    }
    for name, arguments in ways.items():
        try:
            took = measure(arguments, os.environ)
        except SystemExit as failure:
            print(f"{name}: failed: {str(failure)[-200:]}", flush=True)
            continue
        print(
            f"{took.stdout}{name}: {took.wall:.1f} s, {took.cpu:.1f} s of CPU, {took.peak_megabytes:.0f} MB", flush=True
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--join"]:
        join(*sys.argv[2:])
    elif len(sys.argv) > 2:
        compare(Path(sys.argv[2]), float(sys.argv[1]))
    else:
        with TemporaryDirectory() as scratch:
            compare(Path(scratch), float(sys.argv[1]) if len(sys.argv) > 1 else 10)
