"""Which users belong to which shard of an export: a hash of the user, so that shards need no coordination. Pure."""

import hashlib
import re

from msgspec import Struct

from readstate.errors import BadInput

MOST_SHARDS = 1000
_SHARD = re.compile(r"([0-9]{1,4})/([0-9]{1,4})")
_FOLDER = re.compile(r"(\d{1,4})-of-(\d{1,4})")
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=-]{0,99}")


class Shard(Struct, frozen=True, order=True):
    """One of *count* equal shares of the roster."""

    number: int
    """From 1 to *count*."""
    count: int

    def owns(self, user: str) -> bool:
        """Return whether *user* belongs to this shard; it belongs to exactly one of the *count* shards."""
        if self.count == 1:
            return True
        # Not crc32: it is linear, and similar SIDs would fall into one shard.
        digest = hashlib.blake2b(user.encode(), digest_size=8).digest()
        return int.from_bytes(digest) % self.count == self.number - 1

    @property
    def folder(self) -> str:
        """Its name in paths."""
        return f"{self.number}-of-{self.count}"

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


ALL_USERS = Shard(1, 1)
"""The shard of an export that is not divided."""


def parse_shard(text: str) -> Shard:
    """Parse a form such as ``2/4``. Raise `BadInput`."""
    match = _SHARD.fullmatch(text.strip())
    if match is None:
        raise BadInput(f"{text!r} is not a shard", hint="Write which one of how many: 1/4, 2/4, 3/4 and 4/4.")
    number, count = int(match[1]), int(match[2])
    if not 1 <= count <= MOST_SHARDS:
        raise BadInput(f"{text}: there are 1 to {MOST_SHARDS} shards")
    if not 1 <= number <= count:
        raise BadInput(
            f"{text}: there is no such shard",
            hint=f"Shards count from 1: 1/{count} is the first, {count}/{count} the last.",
        )
    return Shard(number, count)


def parse_shard_folder(folder: str) -> Shard | None:
    """Return the shard that a folder is named after; None where it has another name."""
    match = _FOLDER.fullmatch(folder)
    shard = None if match is None else Shard(int(match[1]), int(match[2]))
    return shard if shard is not None and 1 <= shard.number <= shard.count else None


def parse_run_id(text: str) -> str:
    """Return the name of a run if it can be part of file names. Raise `BadInput`."""
    if _RUN_ID.fullmatch(text):
        return text
    usable = re.sub(r"[^A-Za-z0-9._=-]+", "-", text).strip("-._=")[:100] or "nightly-2026-11-23"
    raise BadInput(
        f"{text!r} cannot name a run: files are called by it, so it takes letters, digits, and - _ . = alone",
        hint=f"For instance: --run {usable}",
    )
