"""What ``readstate export`` prints on stdout."""

from collections.abc import Callable
from datetime import date

import msgspec

from readstate.snapshot.published.manifest import Manifest, RequestCounts, UserCounts
from readstate.snapshot.published.snapshot_store import manifest_path
from readstate.snapshot.shards.staging import ShardManifest
from readstate.text import format_duration, format_size, group_digits, pluralize
from readstate_jobs.output.messages import next_line
from readstate_jobs.output.terminal import Document, emit, print_line, print_table
from readstate_jobs.snapshots.export_job import Estimate

_LIKELY_IN_FLIGHT = (10, 100)
"""Concurrency limits observed on real accounts; Twilio does not publish any."""


class DatasetComparison(msgspec.Struct, frozen=True):
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


class ComparedSnapshot(msgspec.Struct, frozen=True):
    """One of the two snapshots of a comparison."""

    snapshot_date: date
    run_id: str


class ComparisonDocument(Document, tag="comparison/1"):
    """Of ``compare``, and of ``export`` as `changes`."""

    root: str
    before: ComparedSnapshot = msgspec.field(name="from")
    after: ComparedSnapshot = msgspec.field(name="to")
    removals_known: bool
    additions_known: bool
    unknown_because: list[str]
    fields_left_out: list[str]
    user_conversations: DatasetComparison
    users: DatasetComparison
    feed: str | None


Changes = tuple[ComparisonDocument, Callable[[], None]]
"""What changed since the snapshot before: the document, and what prints it."""


class Export(Document, tag="export/1"):
    """Of ``export`` and ``publish``."""

    root: str
    already_published: bool
    manifest_path: str
    manifest: Manifest
    changes: ComparisonDocument | msgspec.UnsetType = msgspec.UNSET


class Shard(Document, tag="shard/1"):
    """Of ``export --shard``."""

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


class EstimateDocument(Document, tag="estimate/1"):
    """Of ``export --dry-run``."""

    users: int
    requests: int
    seconds_per_request: float
    seconds_by_requests_in_flight: dict[str, float]


def show_export(
    manifest: Manifest, *, root: str, changes: Changes | None, already_published: bool, as_json: bool
) -> None:
    """Show what an export has published, or that it need not, and the *changes* if they were computed."""
    document = Export(
        root=root,
        already_published=already_published,
        manifest_path=manifest_path(manifest.snapshot_date),
        manifest=manifest,
        changes=msgspec.UNSET if changes is None else changes[0],
    )

    def show() -> None:
        if already_published:
            print_line(_nothing_done(manifest, root))
        else:
            _show_summary(manifest, root)
        if changes is not None:
            changes[1]()

    emit(document, show, as_json=as_json)


def _show_summary(manifest: Manifest, root: str) -> None:
    seconds = (manifest.ended_at - manifest.started_at).total_seconds() - manifest.paused_seconds
    users = manifest.users
    rows = [
        *_counts(users, manifest.rows, conversations=manifest.conversations),
        ("dropped as duplicates", group_digits(manifest.duplicates_dropped)),
        ("requests", group_digits(manifest.requests.requests)),
        ("pages read again", group_digits(manifest.requests.reread_pages)),
        ("retried", group_digits(manifest.requests.retries)),
        ("throttled (429)", group_digits(manifest.requests.throttled)),
        ("size", format_size(manifest.bytes)),
        ("time", format_duration(seconds) + (f" in {manifest.starts} starts" if manifest.starts > 1 else "")),
        ("complete", "yes" if manifest.complete else "NO"),
    ]
    print_table(rows, title=f"Snapshot of {manifest.snapshot_date}", alarms={"NO"})
    if manifest.unknown_fields:
        print_line(f"Fields without a column: {', '.join(sorted(manifest.unknown_fields))} (a newer API?)")
    if users.failed:
        print_line(f"{pluralize(users.failed, 'user')} could not be read; {root}/failures says why.")
    if users.unknown:
        print_line(
            f"Twilio does not know {pluralize(users.unknown, 'user')} of the file: result unknown in {root}/users."
        )
    print_line(f"Published {root}/{manifest_path(manifest.snapshot_date)}")


def _counts(users: UserCounts, rows: int, *, conversations: int | None = None) -> list[tuple[str, str]]:
    return [
        ("users read", group_digits(users.read)),
        ("users vanished", group_digits(users.vanished)),
        ("users unknown", group_digits(users.unknown)),
        ("users failed", group_digits(users.failed)),
        *([] if conversations is None else [("conversations", group_digits(conversations))]),
        ("memberships", f"{group_digits(rows)} (users in conversations)"),
    ]


def _nothing_done(manifest: Manifest, root: str) -> str:
    return (
        f"{root}: the snapshot of {manifest.snapshot_date} is published already:"
        f" {pluralize(manifest.users.read, 'user')}, {_memberships(manifest)},"
        f" {'complete' if manifest.complete else 'INCOMPLETE'}. Nothing done; --again replaces it."
    )


def _memberships(manifest: Manifest) -> str:
    text = pluralize(manifest.rows, "membership")
    return text if manifest.conversations is None else f"{text} in {pluralize(manifest.conversations, 'conversation')}"


def show_staged(manifest: ShardManifest, *, root: str, already: bool, as_json: bool) -> None:
    """Show what one shard has staged, and the next step."""
    draft = manifest.draft
    staged_bytes = sum(file.bytes for file in manifest.files)
    document = Shard(
        root=root,
        run_id=draft.run_id,
        shard=str(manifest.shard),
        snapshot_date=draft.snapshot_date,
        already_staged=already,
        already_published=False,
        users=draft.users,
        rows=draft.rows,
        requests=draft.requests,
        bytes=staged_bytes,
    )

    def show() -> None:
        if not already:
            rows = [
                *_counts(draft.users, draft.rows),
                ("requests", group_digits(draft.requests.requests)),
                ("throttled (429)", group_digits(draft.requests.throttled)),
                ("size", format_size(staged_bytes)),
            ]
            print_table(rows, title=f"Shard {manifest.shard} of run {draft.run_id}")
        print_line(
            f"Shard {manifest.shard} is staged{' already; nothing done' if already else ''}."
            f" When all {manifest.shard.count} are: {next_line('publish', root, '--run', draft.run_id)}"
        )

    emit(document, show, as_json=as_json)


def show_estimate(estimate: Estimate, *, as_json: bool) -> None:
    """Show what an export would take."""
    times = {
        str(parallel): estimate.requests * estimate.seconds_per_request / parallel for parallel in _LIKELY_IN_FLIGHT
    }
    document = EstimateDocument(
        users=estimate.users,
        requests=estimate.requests,
        seconds_per_request=estimate.seconds_per_request,
        seconds_by_requests_in_flight=times,
    )
    rows = [
        ("users", group_digits(estimate.users)),
        ("requests", f"about {group_digits(estimate.requests)}"),
        ("a request takes", f"{estimate.seconds_per_request * 1000:.0f} ms"),
        *(
            (f"time at {parallel} in flight", f"about {format_duration(seconds)}")
            for parallel, seconds in times.items()
        ),
    ]
    title = "Dry run: only the roster was read"
    emit(document, lambda: print_table(rows, title=title), as_json=as_json)
