"""Decides whether a row that only one of two snapshots holds was added or removed."""

from collections.abc import Iterator
from dataclasses import dataclass

from readstate.snapshot.published.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Comparability:
    """What a row that only one of two snapshots holds proves."""

    additions_known: bool
    removals_known: bool
    reasons: tuple[str, ...]
    """Why additions or removals are not known; empty where both are."""


def comparability(before: Manifest, after: Manifest) -> Comparability:
    """Return what a missing row proves.

    A row missing from one snapshot proves an addition or a removal only if both runs are complete and covered the same
    roster.
    """
    incomplete = tuple(
        f"the snapshot of {manifest.snapshot_date} is incomplete: {manifest.users.failed} users could not be read"
        for manifest in (before, after)
        if not manifest.complete
    )
    # The second run alone may be incomplete and still prove additions: the first one has seen every user.
    different = tuple(_differences_in_roster(before, after))
    return Comparability(
        additions_known=before.complete and not different,
        removals_known=not incomplete and not different,
        reasons=incomplete + different,
    )


def _differences_in_roster(before: Manifest, after: Manifest) -> Iterator[str]:
    if before.roster is None or after.roster is None:
        yield "a manifest does not contain which users were selected"
        return
    if before.account_sid != after.account_sid:
        yield "they are of two accounts"
    if before.roster.limit is not None or after.roster.limit is not None:
        yield "a trial with --limit-users reads some users only"
    if before.roster.users_sha256 != after.roster.users_sha256:
        yield "they were asked for different users"
    if None not in (defaults := {before.roster.default_service, after.roster.default_service}) and len(defaults) > 1:
        yield "they are of two default services"
    if before.roster.services != after.roster.services:
        yield "they were asked for different services"
