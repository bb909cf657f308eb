"""What the last snapshot says about the users of this run, so that no run has to find them out again.

Twilio lists users 50 at a time and one page after the other, which takes longer than reading them as soon as there is
room for 50 requests at once. So those that the last snapshot knows are read at once, the longest lists first, while the
list is still being read; it brings the new ones, and shows who is gone.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from readstate.snapshot.export.options import ExportOptions
from readstate.snapshot.published.manifest import Manifest
from readstate.snapshot.published.snapshot_store import KnownUser, SnapshotStore
from readstate.snapshot.roster.selection import ALL_SERVICES, DEFAULT_SERVICE
from readstate.twilio.http.request import MAX_PAGE_SIZE


def last_snapshot(store: SnapshotStore, day: date) -> Manifest | None:
    """Give the newest snapshot up to *day*."""
    newest = store.date_before(day + timedelta(days=1))
    return None if newest is None else store.manifest(newest)


def long_lists(store: SnapshotStore, manifest: Manifest) -> Iterator[tuple[str, str, int]]:
    """Give (service, user, rows) of users with more than a page."""
    for user in store.known_users(manifest):
        if user.conversations > MAX_PAGE_SIZE:
            yield user.chat_service_sid, user.user_sid, user.conversations


def foreseen_users(
    store: SnapshotStore,
    manifest: Manifest,
    options: ExportOptions,
    *,
    account_sid: str | None,
    default_service: str | None,
) -> Iterator[KnownUser]:
    """Give the users of *manifest* that a run with *options* has to read; none where the list alone can tell."""
    if not _tells_who(manifest, options, account_sid):
        return
    services = {default_service if wished == DEFAULT_SERVICE else wished for wished in options.selection.services}
    for user in store.known_users(manifest):
        is_wished = ALL_SERVICES in services or user.chat_service_sid in services
        if is_wished and options.selection.share.owns(user.user_sid):
            yield user


def _tells_who(manifest: Manifest, options: ExportOptions, account_sid: str | None) -> bool:
    same_place = (manifest.account_sid, manifest.base_url) == (account_sid, options.base_url)
    reads_all = options.selection.entries is None and options.selection.limit is None
    # Rows carry the identity, and the list would come too late to tell it.
    identities = "identity" not in manifest.blanked_columns or "identity" in options.blanked_columns
    return same_place and reads_all and identities
