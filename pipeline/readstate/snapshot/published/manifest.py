"""The manifest of a snapshot: what was read, what was not, and which files hold it. Writing it commits the snapshot."""

import re
from datetime import date, datetime
from typing import Annotated, Literal

import msgspec

from readstate.errors import BadInput
from readstate.foreign_json import UnusableJson, decode_json
from readstate.model.quantities import Allowance

Dataset = Literal["user_conversations", "users", "failures"]

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""A time without a zone cannot be compared with the others."""

Count = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]

MANIFEST_VERSION = 1

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=-]*")

_CHANGED = "not as readstate wrote it, so none of its files is read or removed"
_SET_ASIDE = "Find out who changed it. Move it out of the folder, then export that date again."


class ServiceUsers(msgspec.Struct, frozen=True):
    """A service and the size of its roster."""

    chat_service_sid: str
    users: Count
    friendly_name: str | None = None
    """As Twilio listed it; None where the service has none, or was named by its SID and not listed."""


class RosterScope(msgspec.Struct, frozen=True):
    """Which users a run was asked to read; two snapshots can be compared for missing rows only if these are equal."""

    services: tuple[str, ...]
    """``all``, ``default`` or service SIDs, as asked."""
    users_sha256: str | None = None
    """Identifies the users file without disclosing its users; None where all users were read."""
    limit: int | None = None
    """The most users to read, for a trial."""
    default_service: str | None = None
    """The account's default service; None where its users were read as those of any other, or it was not recorded."""


class UserCounts(msgspec.Struct, frozen=True):
    """Users of the roster by result: listed = read + vanished + unknown + failed."""

    listed: Count
    read: Count
    vanished: Count
    failed: Count
    unknown: Count = 0
    """Named by a users file, and not known to Twilio."""

    def has_few_unknown(self, allowed: Allowance) -> bool:
        """Whether no more users than *allowed* are unknown; not where all are, unless all of them are allowed to be."""
        none_known = self.unknown == self.listed > 0
        return self.unknown <= allowed.of(self.listed) and (not none_known or allowed.share == 1)

    def are_complete(self, allow_missing: Allowance) -> bool:
        """Whether every user was read or had vanished, but for as many unknown ones as *allow_missing* says."""
        return self.failed == 0 and self.has_few_unknown(allow_missing)


class RequestCounts(msgspec.Struct, frozen=True):
    """Requests to Twilio, over all starts of the run."""

    requests: Count = 0
    retries: Count = 0
    throttled: Count = 0
    reread_pages: int = 0
    """Pages read again, because rows of their lists may have moved past the reader."""


class TimelineWindow(msgspec.Struct, frozen=True):
    """Requests in a few seconds of the run."""

    begins_at: Moment
    seconds: float
    requests: Count
    throttled: Count
    retries: Count
    in_flight: Count
    """The most requests in flight at once."""
    reread_pages: int = 0
    allowed: int = 0
    """The limit on requests in flight that pacing had reached; 0 where it was not recorded."""


class SnapshotFile(msgspec.Struct, frozen=True):
    """One published file."""

    path: str
    """Below the root, with forward slashes."""
    dataset: Dataset
    rows: Count
    bytes: Count
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The description of one snapshot. It holds no secret and no personal data."""

    manifest_version: int = MANIFEST_VERSION
    schema_version: int
    tool_version: str
    run_id: str
    snapshot_date: date
    account_sid: str | None
    base_url: str
    transport: str = ""
    """``curl`` or ``aiohttp``, at the last start; empty where it was not recorded."""
    services: tuple[ServiceUsers, ...]
    roster: RosterScope | None = None
    """None where it was not recorded."""
    started_at: Moment
    ended_at: Moment
    starts: Count
    """How often the run was started: 1 where nothing interrupted it."""
    paused_seconds: float = 0.0
    """Between its starts, when no process worked on it."""
    users: UserCounts
    rows: Count
    """Memberships: users in conversations."""
    conversations: Count | None = None
    """Different ones in the rows; None where they were not counted."""
    duplicates_dropped: Count
    """Rows that were received twice, because lists shift between pages; rows received = rows + duplicates dropped."""
    unknown_fields: dict[str, Count]
    """Fields that Twilio sent and the schema has no column for, with the number of rows that had them."""
    blanked_columns: tuple[str, ...]
    """Columns that were left empty on request."""
    requests: RequestCounts
    timeline: tuple[TimelineWindow, ...] = ()
    """Requests over time; empty where they were not recorded."""
    complete: bool
    """Whether every user of the roster was read or had vanished, and no more of them were unknown than allowed."""
    files: tuple[SnapshotFile, ...]

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)

    def files_of(self, dataset: Dataset) -> list[SnapshotFile]:
        """Return the files of *dataset*, in the order of their rows."""
        return [file for file in self.files if file.dataset == dataset]


def encode_manifest(manifest: Manifest) -> bytes:
    """Return the manifest as indented JSON with a final newline."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def decode_manifest(text: bytes, *, day: date, where: str) -> Manifest:
    """Return the manifest of *day* in *text*. Raise `BadInput`, whose message names *where*.

    Whoever may write to the root may write a manifest, and its files are read and deleted: it is believed only where
    it is of *day* and each path is that of a file in the partition of its dataset.
    """
    try:
        manifest = decode_json(text, Manifest)
    except UnusableJson as error:
        raise BadInput(f"{where}: not a snapshot's manifest: {error}") from error
    if manifest.manifest_version > MANIFEST_VERSION:
        raise BadInput(
            f"{where}: written by readstate {manifest.tool_version}, newer than this one",
            hint="Upgrade readstate to read it.",
        )
    if manifest.snapshot_date != day:
        raise BadInput(f"{where}: its date is {manifest.snapshot_date}: {_CHANGED}", hint=_SET_ASIDE)
    for file in manifest.files:
        folder, _, name = file.path.rpartition("/")
        if folder != partition(file.dataset, day) or not _FILE_NAME.fullmatch(name):
            raise BadInput(
                f"{where}: names {file.path!r}, which is not a file of {partition(file.dataset, day)}/: {_CHANGED}",
                hint=_SET_ASIDE,
            )
    return manifest


def partition(dataset: str, day: date) -> str:
    """Return the Hive partition of *dataset* for *day*, below the root."""
    return f"{dataset}/snapshot_date={day.isoformat()}"
