"""The views that a query may read, and their columns."""

import pyarrow as pa

from readstate.snapshot.compare.change_feed import CHANGES
from readstate.snapshot.published.schema import FAILURES, SCHEMAS, USER_CONVERSATIONS, USERS

SNAPSHOT_DATE = pa.field("snapshot_date", pa.date32())

SNAPSHOT_COLUMNS: dict[str, tuple[pa.DataType, str]] = {
    "snapshot_date": (pa.date32(), "snapshot_date"),
    "run_id": (pa.string(), "run_id"),
    "complete": (pa.bool_(), "complete"),
    "started_at": (pa.timestamp("us", tz="UTC"), "started_at"),
    "ended_at": (pa.timestamp("us", tz="UTC"), "ended_at"),
    "user_conversations": (pa.int64(), "rows"),
    "users": (pa.int64(), "users.listed"),
    "users_read": (pa.int64(), "users.read"),
    "users_vanished": (pa.int64(), "users.vanished"),
    "users_unknown": (pa.int64(), "users.unknown"),
    "users_failed": (pa.int64(), "users.failed"),
    "requests": (pa.int64(), "requests.requests"),
    "retries": (pa.int64(), "requests.retries"),
    "throttled": (pa.int64(), "requests.throttled"),
    "bytes": (pa.int64(), "bytes"),
}
"""The columns of the view of all manifests, one row a snapshot: type, and attribute of the manifest."""

SNAPSHOTS = pa.schema([(name, kind) for name, (kind, _) in SNAPSHOT_COLUMNS.items()])

VIEWS: dict[str, pa.Schema] = {
    "user_conversations": USER_CONVERSATIONS,
    "users": USERS,
    "failures": FAILURES,
    "latest": USER_CONVERSATIONS,
    **{f"{name}_all": schema.append(SNAPSHOT_DATE) for name, schema in SCHEMAS.items()},
    "snapshots": SNAPSHOTS,
    "changes": CHANGES,
}
"""Every view with its columns. The first three show one snapshot; `latest` shows the conversations of the newest,
whatever date was opened; those that end in ``_all`` show every snapshot; `changes` shows the changes since the previous
one."""
