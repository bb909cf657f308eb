"""Builders of small snapshots: rows, users and failures as dictionaries, a manifest, and all of them published."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from readstate.snapshot.published.manifest import (
    Dataset,
    Manifest,
    RequestCounts,
    RosterScope,
    ServiceUsers,
    SnapshotFile,
    UserCounts,
    partition,
)
from readstate.snapshot.published.parquet import write_rows
from readstate.snapshot.published.schema import FAILURES, USER_CONVERSATIONS, USERS
from readstate.snapshot.published.snapshot_store import open_store

SERVICE = "IS" + "1" * 32
DAY = date(2026, 11, 23)
ALL_SERVICES = RosterScope(("all",))
Row = Mapping[str, Any]


def user_sid(number: int) -> str:
    return f"US{number:032x}"


def conversation_sid(number: int) -> str:
    return f"CH{number:032x}"


def row(user: int, conversation: int, **fields: Any) -> dict[str, Any]:
    unread = fields.get("unread_messages_count", 3)
    return {
        "account_sid": "AC" + "0" * 32,
        "chat_service_sid": SERVICE,
        "user_sid": user_sid(user),
        "conversation_sid": conversation_sid(conversation),
        "participant_sid": f"MB{user * 1000 + conversation:032x}",
        "unread_messages_count": unread,
        "last_read_message_index": 7,
        "friendly_name": f"Conversation {conversation}",
        "conversation_state": "active",
        "attributes": "{}",
        "date_created": datetime(2026, 1, 1, tzinfo=UTC),
        "date_updated": datetime(2026, 10, 1, tzinfo=UTC),
        "notification_level": "default",
        "identity": f"user {user}",
        "unread_capped": None if unread is None else unread == 1000,
        **fields,
    }


def user(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "sid": user_sid(number),
        "chat_service_sid": SERVICE,
        "identity": f"user {number}",
        "conversations": 1,
        "result": "read",
        **fields,
    }


def manifest(*files: SnapshotFile, run_id: str = "r-1", day: date = DAY, **changes: Any) -> Manifest:
    """Return the manifest of a snapshot with one user, which names *files*."""
    started_at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return Manifest(
        **{
            "schema_version": 1,
            "tool_version": "0.1.0",
            "run_id": run_id,
            "snapshot_date": day,
            "account_sid": "AC" + "0" * 32,
            "base_url": "https://conversations.twilio.com",
            "services": (ServiceUsers(SERVICE, 1),),
            "roster": ALL_SERVICES,
            "started_at": started_at,
            "ended_at": started_at + timedelta(minutes=30),
            "starts": 1,
            "users": UserCounts(listed=1, read=1, vanished=0, failed=0),
            "rows": 0,
            "duplicates_dropped": 0,
            "unknown_fields": {},
            "blanked_columns": (),
            "requests": RequestCounts(requests=10, retries=1, throttled=2),
            "complete": True,
            "files": files,
        }
        | changes
    )


def publish(root: Path | str, day: date, rows: Sequence[Row], **how: Any) -> Manifest:
    """Publish a snapshot of *day*, and replace the current one; see `put_snapshot` for *how*."""
    published = put_snapshot(root, day, rows, **how)
    store = open_store(str(root))
    store.publish(published, replaces=store.current(day))
    return published


def put_snapshot(
    root: Path | str,
    day: date,
    rows: Sequence[Row],
    *,
    users: Sequence[Row] | None = None,
    failures: Sequence[Row] = (),
    parts: int = 1,
    run_id: str | None = None,
    **changes: Any,
) -> Manifest:
    """Put all files of a snapshot, with rows sorted by key in *parts* files; return its manifest with *changes*."""
    run_id = run_id or f"r-{day}"
    started_at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    in_order = sorted(rows, key=lambda row: (row["chat_service_sid"], row["user_sid"], row["conversation_sid"]))
    if users is None:
        users = [user(int(sid[2:], 16)) for sid in dict.fromkeys(row["user_sid"] for row in in_order)]
    size = -(-len(in_order) // parts) or 1
    tables = [
        ("user_conversations", USER_CONVERSATIONS, in_order[start : start + size])
        for start in range(0, len(in_order), size)
    ]
    in_order_users = sorted(users, key=lambda line: (line["chat_service_sid"], line["sid"] or line["identity"]))
    tables.append(("users", USERS, in_order_users))
    if failures:
        tables.append(("failures", FAILURES, failures))
    files = [
        put(
            root,
            dataset,
            schema,
            [{"snapshot_at": started_at, **line} for line in lines],
            day=day,
            name=f"{run_id}-{number:05}.parquet",
        )
        for number, (dataset, schema, lines) in enumerate(tables)
    ]
    failed = len(failures)
    found = {
        "services": (ServiceUsers(SERVICE, len(users)),),
        "users": UserCounts(listed=len(users), read=len(users) - failed, vanished=0, failed=failed),
        "rows": len(in_order),
        "complete": not failures,
    }
    files = changes.pop("files", files)
    return manifest(*files, run_id=run_id, day=day, **found | changes)


def put(
    root: Path | str, dataset: Dataset, schema: pa.Schema, lines: Iterable[Row], *, day: date, name: str
) -> SnapshotFile:
    """Put one file below *root*, as an export does."""
    known = [{name: line.get(name) for name in schema.names} for line in lines]
    path = f"{partition(dataset, day)}/{name}"
    with TemporaryDirectory() as folder:
        file = write_rows([pa.Table.from_pylist(known, schema=schema)], schema, Path(folder) / name)
        open_store(str(root)).objects.put(file.path, path)
    return SnapshotFile(path, dataset, file.rows, file.bytes, file.sha256)
