"""The types of the ``--json`` documents about snapshots: exports, shards, comparisons, lists."""

from datetime import date, datetime
from typing import Literal, NotRequired, TypedDict

from readstate.snapshot.published.manifest import Manifest, RequestCounts, UserCounts


class DatasetComparison(TypedDict):
    """Rows of one dataset by what became of them."""

    before: int
    after: int
    added: int
    removed: int
    changed: int
    unchanged: int
    addition_unknown: int
    removal_unknown: int
    fields: dict[str, int]


class ComparedSnapshot(TypedDict):
    """One of the two snapshots of a comparison."""

    snapshot_date: date
    run_id: str


Comparison = TypedDict(
    "Comparison",
    {
        "schema": Literal["comparison/1"],
        "root": str,
        "from": ComparedSnapshot,
        "to": ComparedSnapshot,
        "removals_known": bool,
        "additions_known": bool,
        "unknown_because": list[str],
        "fields_left_out": list[str],
        "user_conversations": DatasetComparison,
        "users": DatasetComparison,
        "feed": str | None,
    },
)
"""Of ``compare``, and of ``export`` as `changes`."""


class Export(TypedDict):
    """Of ``export`` and ``publish``."""

    schema: Literal["export/1"]
    root: str
    already_published: bool
    manifest_path: str
    manifest: Manifest
    changes: NotRequired[Comparison]


class Shard(TypedDict):
    """Of ``export --shard``."""

    schema: Literal["shard/1"]
    root: str
    run_id: str
    shard: str
    snapshot_date: date
    already_staged: bool
    already_published: bool
    users: UserCounts
    rows: int
    requests: RequestCounts
    bytes: int


class Estimate(TypedDict):
    """Of ``export --dry-run``."""

    schema: Literal["estimate/1"]
    users: int
    requests: int
    seconds_per_request: float
    seconds_by_requests_in_flight: dict[str, float]


class ListedSnapshot(TypedDict):
    """One published snapshot."""

    snapshot_date: date
    run_id: str
    complete: bool
    users: int
    conversations: int | None
    rows: int
    bytes: int
    defects: NotRequired[list[str]]


class StagedRun(TypedDict):
    """A run of shards that is not published."""

    run_id: str
    shards: int
    shards_finished: int
    changed_at: datetime
    abandoned: bool


class Snapshots(TypedDict):
    """Of ``snapshots``."""

    schema: Literal["snapshots/1"]
    root: str
    snapshots: list[ListedSnapshot]
    staged: list[StagedRun]
    strays: NotRequired[list[str]]


class Pruned(TypedDict):
    """Of ``snapshots --keep`` and ``--keep-days``."""

    schema: Literal["pruned/1"]
    root: str
    removed: list[date]
    removed_staged: list[str]
    removed_strays: list[str]
