"""Open a plan directory; a plan whose digests disagree is refused."""

import errno
import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct

from readstate.changes.plans.schema import to_rows
from readstate.changes.plans.tombstone import require_not_erased
from readstate.changes.plans.writer import MANIFEST, PARTICIPANTS, REJECTS, ROWS_FILE, digest_of
from readstate.errors import BadInput, LocalDisk, PlanUnusable
from readstate.foreign_json import UnusableJson, decode_json
from readstate.model.ids import kind_of_id
from readstate.model.plan import PLAN_SCHEMA_VERSION, Manifest, PlanHeader, PlanRow, Target

Header = TypeVar("Header", bound=PlanHeader)

_ROWS_AT_ONCE = 8_192
_BYTES_AT_ONCE = 1_000_000


class Plan(Struct, frozen=True):
    """A plan whose digests were checked; every reading of its rows checks them again."""

    directory: Path
    manifest: Manifest

    def rows(self) -> Iterator[PlanRow]:
        """Stream all rows in their order, a few thousand at a time. Raise as `batches`."""
        for batch in self.batches():
            yield from to_rows(batch)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Stream all rows as columns.

        Raise `PlanUnusable` where the file does not hold the rows that were planned: before the first of them, and
        after the last one, so that a file that was replaced or is written to meanwhile is noticed.
        """
        with _damage_told(self.directory, ROWS_FILE), pa.OSFile(str(self.directory / ROWS_FILE)) as source:
            self._require_planned(source)
            with pq.ParquetFile(source) as file:
                # Group by group: a reader of many groups keeps what it has read to its end, some 50 bytes for each row.
                for group in range(file.num_row_groups):
                    yield from file.iter_batches(batch_size=_ROWS_AT_ONCE, row_groups=[group])
                self._require_planned(source)

    def participants(self) -> Iterator[dict[str, Any]]:
        """Stream the participants that this plan removes. Raise `PlanUnusable` at the end of a damaged file."""
        digest = sha256()
        with _damage_told(self.directory, PARTICIPANTS), gzip.open(self.directory / PARTICIPANTS, "rb") as file:
            for line in file:
                digest.update(line)
                yield decode_json(line, dict[str, Any])
        self._require_attached(PARTICIPANTS, digest.hexdigest())

    def require_sealed(self) -> None:
        """Raise `PlanUnusable` where rows, participants or rejected lines are not those that were planned."""
        with _damage_told(self.directory, ROWS_FILE), pa.OSFile(str(self.directory / ROWS_FILE)) as rows:
            self._require_planned(rows)
        digest = sha256()
        with _damage_told(self.directory, PARTICIPANTS), gzip.open(self.directory / PARTICIPANTS, "rb") as file:
            while chunk := file.read(_BYTES_AT_ONCE):
                digest.update(chunk)
        self._require_attached(PARTICIPANTS, digest.hexdigest())
        if REJECTS in self.manifest.attachments:
            with _damage_told(self.directory, REJECTS):
                with (self.directory / REJECTS).open("rb") as file:
                    rejects = hashlib.file_digest(file, "sha256").hexdigest()
                self._require_attached(REJECTS, rejects)

    def _require_planned(self, rows: pa.NativeFile) -> None:
        rows.seek(0)
        if hashlib.file_digest(rows, "sha256").hexdigest() != self.manifest.rows_sha256:
            raise _damaged(self.directory, f"{ROWS_FILE} does not hold the rows that were planned")

    def _require_attached(self, name: str, digest: str) -> None:
        if digest != self.manifest.attachments.get(name):
            raise _damaged(self.directory, f"{name} is not the one that was planned")


def open_plan(directory: Path) -> Plan:
    """Open the plan in *directory* and check that all that its manifest seals is what was planned.

    Raise `BadInput`, `PlanUnusable`, and `LocalDisk` where the disk refuses to read it.
    """
    require_not_erased(directory)
    plan = Plan(directory, read_manifest(directory))
    plan.require_sealed()
    return plan


def read_manifest(directory: Path) -> Manifest:
    """Read the manifest in *directory* and check its own seal, not the rows. Raise `BadInput`, `PlanUnusable`."""
    document = _sealed_document(directory)
    version = document["schema_version"]
    if version < PLAN_SCHEMA_VERSION:
        raise PlanUnusable(
            f"{directory} was made by an older readstate (schema {version}, this one needs {PLAN_SCHEMA_VERSION})",
            hint="Plan the file again. Runs of this plan: verify and undo them with the version that made it.",
        )
    return _converted(directory, document, Manifest)


def read_header(directory: Path) -> PlanHeader:
    """Read what every version of a manifest has, for erasing old plans. Raise `BadInput`, `PlanUnusable`."""
    return _converted(directory, _sealed_document(directory), PlanHeader)


def find_plan(name: str, root: Path) -> Path:
    """Return the directory of the plan *name*: a directory, an id below *root*, or ``last``, the newest one there.

    Raise `BadInput`, and for ``last`` `PlanUnusable` where a plan is damaged: it could be the newest.
    """
    if name == "last" and (found := list(plans_in(root))):
        return max(found, key=lambda plan: read_header(plan).created_at)
    candidates = (Path(name), root / name)
    for candidate in candidates:
        if (candidate / MANIFEST).is_file():
            return candidate
    if Path(name).suffix.lower() in {".csv", ".gz", ".zst", ".tsv", ".txt"}:
        raise BadInput(
            f"{name} is a changes file, and a plan comes first",
            hint=f"readstate plan {name} -o {root}\nWhere the file has no column op, add --op update or --op delete.",
        )
    if kind_of_id(name) == "run":
        raise BadInput(f"{name} is a run, not a plan", hint=f"To see it:  readstate status {name}")
    raise BadInput(f"there is no plan {name}", hint="Use its folder, or its id with --plans and the folder of plans.")


def plans_in(root: Path) -> Iterator[Path]:
    """Yield the directories of the plans below *root*, also of those that were erased."""
    # A link may lead to files that are not ours.
    yield from sorted(path.parent for path in root.glob(f"p-*/{MANIFEST}") if not path.parent.is_symlink())


def require_same_target(manifest: Manifest, target: Target) -> None:
    """Raise `PlanUnusable` for a plan made for another account, service or origin."""
    planned = manifest.target
    different = [
        f"{name} {getattr(planned, name)}, not {getattr(target, name)}"
        for name in ("account_sid", "service_sid", "base_url")
        if getattr(planned, name) != getattr(target, name)
    ]
    if different:
        raise PlanUnusable(
            f"plan {manifest.plan_id} was made for {'; '.join(different)}",
            hint="Use the credentials and the address that it was made with, or plan again.",
        )


def require_not_expired(manifest: Manifest, server_now: datetime) -> None:
    """Raise `PlanUnusable` for a plan that has expired by the server's clock."""
    if server_now >= manifest.expires_at:
        raise PlanUnusable(
            f"plan {manifest.plan_id} expired at {manifest.expires_at:%Y-%m-%d %H:%M} UTC",
            hint="The state that it was made from is too old: plan again.",
        )


def _sealed_document(directory: Path) -> dict[str, Any]:
    path = directory / MANIFEST
    try:
        content = path.read_bytes()
    except OSError as error:
        if _is_refused(error):
            raise _unreadable(path, error) from error
        raise BadInput(
            f"{directory}: no plan is here ({error.strerror})", hint="Make one: readstate plan changes.csv -o plans/"
        ) from error
    try:
        document: dict[str, Any] = decode_json(content, dict[str, Any])
    except UnusableJson as error:
        raise _damaged(directory, f"{MANIFEST}: {error}") from error
    # Before the seal, which a newer version may compute in another way.
    version = document.get("schema_version")
    if isinstance(version, int) and version > PLAN_SCHEMA_VERSION:
        raise PlanUnusable(
            f"{directory} was made by a newer readstate (schema {version}, this one knows {PLAN_SCHEMA_VERSION})",
            hint="Install that version, or plan again with this one.",
        )
    seal = digest_of(document)
    if seal != document.get("plan_sha256") or document.get("plan_id") != f"p-{seal[:12]}":
        raise _damaged(directory, f"{MANIFEST} was changed after it was written")
    return document


def _converted(directory: Path, document: dict[str, Any], kind: type[Header]) -> Header:
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise _damaged(directory, f"{MANIFEST}: {error}") from error


@contextmanager
def _damage_told(directory: Path, name: str) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, zlib.error, pa.ArrowException, UnusableJson) as error:
        if isinstance(error, OSError) and _is_refused(error):
            raise _unreadable(directory / name, error) from error
        raise _damaged(directory, f"{name}: {error}") from error


def _is_refused(error: OSError) -> bool:
    """Return whether the disk refuses a file, which says nothing about what the file holds."""
    return error.errno in {errno.EIO, errno.EACCES, errno.EPERM, errno.ESTALE, errno.EMFILE, errno.ENFILE}


def _unreadable(path: Path, error: OSError) -> LocalDisk:
    return LocalDisk(
        f"{path}: {os.strerror(error.errno or 0)}",
        hint="The plan may be undamaged. Check the disk and the permissions, then run the same command again.",
    )


def _damaged(directory: Path, what: str) -> PlanUnusable:
    return PlanUnusable(f"{directory}: {what}", hint="It was changed or damaged: plan again.")
