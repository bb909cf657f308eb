"""What the previous snapshot knows about the users of this run, so that reading can begin before they are listed.

Twilio lists users 50 at a time, one page after the other, which takes longer than reading them as soon as 50 requests
may be under way. So the users of the previous snapshot are read at once, the longest lists first, while the listing
goes on; it brings the new users, and shows which ones are gone.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from readstate.snapshot.export.options import ExportOptions
from readstate.snapshot.published.manifest import Manifest
from readstate.snapshot.published.snapshot_store import KnownUser, SnapshotStore
from readstate.snapshot.roster.selection import ALL_SERVICES, DEFAULT_SERVICE
from readstate.twilio.http.request import MAX_PAGE_SIZE


def newest_snapshot(store: SnapshotStore, day: date) -> Manifest | None:
    """Return the newest snapshot up to *day*; None where there is none."""
    newest = store.date_before(day + timedelta(days=1))
    return None if newest is None else store.manifest(newest)


def usual_concurrency(manifest: Manifest) -> int:
    """Return the median over the run of how many requests were in flight; 0 where that is not known."""
    in_flight = sorted(window.in_flight for window in manifest.timeline)
    return in_flight[len(in_flight) // 2] if in_flight else 0


def long_lists(store: SnapshotStore, manifest: Manifest) -> Iterator[tuple[str, str, int]]:
    """Yield (service, user, rows) of the users with more than one page."""
    for user in store.known_users(manifest):
        if user.conversations > MAX_PAGE_SIZE:
            yield user.chat_service_sid, user.user_sid, user.conversations


def users_to_preload(
    store: SnapshotStore,
    manifest: Manifest,
    options: ExportOptions,
    *,
    account_sid: str | None,
    default_service: str | None,
) -> Iterator[KnownUser]:
    """Yield the users of *manifest* that a run with *options* reads; none where only listing can show which."""
    if not _can_select(manifest, options, account_sid):
        return
    services = {default_service if name == DEFAULT_SERVICE else name for name in options.selection.services}
    for user in store.known_users(manifest):
        is_selected = ALL_SERVICES in services or user.chat_service_sid in services
        if is_selected and options.selection.share.owns(user.user_sid):
            yield user


def _can_select(manifest: Manifest, options: ExportOptions, account_sid: str | None) -> bool:
    reads_all = options.selection.entries is None and options.selection.limit is None
    # Rows contain the identity, and a listing that ends after they were read would come too late.
    has_identities = "identity" not in manifest.blanked_columns or "identity" in options.blanked_columns
    return is_same_account(manifest, options, account_sid) and reads_all and has_identities


def is_same_account(manifest: Manifest, options: ExportOptions, account_sid: str | None) -> bool:
    """Whether *manifest* is of the account that a run with *options* reads."""
    return (manifest.account_sid, manifest.base_url) == (account_sid, options.base_url)
