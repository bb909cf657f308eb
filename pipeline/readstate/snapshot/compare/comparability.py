"""Decides whether a row that only one of two snapshots holds was added or removed."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from msgspec import Struct

from readstate.snapshot.published.manifest import Manifest

_TWILIO = "conversations.twilio.com"
_TWILIO_REGION = re.compile(r"conversations\.[^.]+\.([^.]+)\.twilio\.com")


class Comparability(Struct, frozen=True):
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
    if before.roster.default_service != after.roster.default_service and None not in {
        before.roster.default_service,
        after.roster.default_service,
    }:
        yield "they are of different default services"
    if _region(before) != _region(after):
        yield f"they were read in two regions or from two servers, {_region(before)} and {_region(after)}"
    if before.roster.services != after.roster.services:
        yield "they were asked for different services"


def _region(manifest: Manifest) -> str:
    """Return the region of Twilio's that was read, which shares no data with others, or the name of another server."""
    host = urlsplit(manifest.base_url).netloc
    if host == _TWILIO:
        return "us1"
    match = _TWILIO_REGION.fullmatch(host)
    return host if match is None else match[1]
