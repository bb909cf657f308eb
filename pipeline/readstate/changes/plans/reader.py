"""Open a plan directory, and believe it only where every digest agrees."""

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from readstate.changes.plans.schema import CHUNK_ROWS, ROWS, digest_chunk, digest_chunks, to_rows
from readstate.changes.plans.tombstone import refuse_forgotten
from readstate.changes.plans.writer import MANIFEST, PARTICIPANTS, REJECTS, ROWS_FILE, seal_of
from readstate.errors import BadInput, PlanUnusable
from readstate.model.plan import PLAN_SCHEMA_VERSION, Manifest, PlanRow, Target

_ROWS_AT_ONCE = 8_192


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan whose rows are the ones that its manifest promises."""

    directory: Path
    manifest: Manifest

    def rows(self) -> Iterator[PlanRow]:
        """Stream all rows in their order, a few thousand at a time."""
        for batch in self.batches():
            yield from to_rows(batch)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Stream all rows as columns, or only some *columns* of them."""
        with pq.ParquetFile(self.directory / ROWS_FILE) as file:
            yield from _batches(file, None if columns is None else list(columns))

    def participants(self) -> Iterator[dict[str, Any]]:
        """Stream what the removals of this plan take away. Raises `PlanUnusable` at the end of a damaged file."""
        digest = sha256()
        try:
            with gzip.open(self.directory / PARTICIPANTS, "rb") as file:
                for line in file:
                    digest.update(line)
                    yield json.loads(line)
        except (OSError, EOFError, ValueError) as error:
            raise _damaged(self.directory, f"{PARTICIPANTS}: {error}") from error
        if digest.hexdigest() != self.manifest.attachments.get(PARTICIPANTS):
            raise _damaged(self.directory, f"{PARTICIPANTS} is not the one that was planned")

    @property
    def rejects(self) -> Path:
        """Where the problems of the changes file are listed."""
        return self.directory / REJECTS


def open_plan(directory: Path) -> Plan:
    """Open the plan in *directory* and check every row of it. Raises `BadInput`, `PlanUnusable`."""
    refuse_forgotten(directory)
    plan = Plan(directory, read_manifest(directory))
    _check_rows(plan)
    return plan


def read_manifest(directory: Path) -> Manifest:
    """Read the manifest in *directory* and check its own seal, not the rows. Raises `BadInput`, `PlanUnusable`."""
    path = directory / MANIFEST
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(
            f"{directory}: no plan is here ({error.strerror})", hint="Make one: readstate plan changes.csv -o plans/"
        ) from error
    _check_version(directory, content)
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except msgspec.DecodeError as error:
        raise _damaged(directory, f"{MANIFEST}: {error}") from error
    seal = seal_of(manifest)
    if seal != manifest.plan_sha256 or manifest.plan_id != f"p-{seal[:12]}":
        raise _damaged(directory, f"{MANIFEST} was changed after it was written")
    return manifest


def find_plan(name: str, root: Path) -> Path:
    """The directory of the plan called *name*: a directory, or an id below *root*. Raises `BadInput`."""
    candidates = (Path(name), root / name)
    for candidate in candidates:
        if (candidate / MANIFEST).is_file():
            return candidate
    if Path(name).suffix.lower() in {".csv", ".gz", ".zst", ".tsv", ".txt"}:
        raise BadInput(
            f"{name} is a changes file, and a plan comes first",
            hint=f"readstate plan {name} -o {root}\nWhere the file has no column op, add --op update or --op delete.",
        )
    raise BadInput(f"there is no plan {name}", hint="Give its directory, or its id and -o with where it lies.")


def check_target(manifest: Manifest, target: Target) -> None:
    """Refuse a plan made for another account, service or origin. Raises `PlanUnusable`."""
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


def check_age(manifest: Manifest, server_now: datetime) -> None:
    """Refuse a plan that has expired by the server's clock. Raises `PlanUnusable`."""
    if server_now >= manifest.expires_at:
        raise PlanUnusable(
            f"plan {manifest.plan_id} expired at {manifest.expires_at:%Y-%m-%d %H:%M} UTC",
            hint="What it saw is too old to act on: plan again.",
        )


def _check_version(directory: Path, content: bytes) -> None:
    try:
        version = msgspec.json.decode(content, type=_Version).schema_version
    except msgspec.DecodeError as error:
        raise _damaged(directory, f"{MANIFEST}: {error}") from error
    if version > PLAN_SCHEMA_VERSION:
        raise PlanUnusable(
            f"{directory} was made by a newer readstate (schema {version}, this one knows {PLAN_SCHEMA_VERSION})",
            hint="Install that version, or plan again with this one.",
        )


class _Version(msgspec.Struct):
    schema_version: int


def _check_rows(plan: Plan) -> None:
    manifest = plan.manifest
    rows, chunks = 0, list[str]()
    try:
        for chunk in _chunks(plan.directory / ROWS_FILE):
            rows += chunk.num_rows
            chunks.append(digest_chunk(chunk))
    except (OSError, pa.ArrowException) as error:
        raise _damaged(plan.directory, f"{ROWS_FILE}: {str(error).splitlines()[0]}") from error
    if rows != manifest.rows:
        raise _damaged(plan.directory, f"{ROWS_FILE} has {rows} rows, not {manifest.rows}")
    if tuple(chunks) != manifest.chunk_sha256 or digest_chunks(chunks) != manifest.rows_root_sha256:
        raise _damaged(plan.directory, f"{ROWS_FILE} does not hold the rows that were planned")


def _chunks(path: Path) -> Iterator[pa.RecordBatch]:
    """Read chunks of exactly `CHUNK_ROWS` rows, however the file divides them."""
    held: list[pa.RecordBatch] = []
    with pq.ParquetFile(path) as file:
        if not file.schema_arrow.equals(ROWS):
            raise pa.ArrowInvalid("the columns are not those of a plan")
        for batch in _batches(file):
            room = CHUNK_ROWS - sum(map(len, held))
            held.append(batch.slice(0, room))
            if len(batch) >= room:
                yield _combined(held)
                held = [batch.slice(room)] if len(batch) > room else []
    if held:
        yield _combined(held)


def _batches(file: pq.ParquetFile, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    # Group by group: a reader of many groups keeps what it has read until its end, some 50 bytes for each row.
    for group in range(file.num_row_groups):
        yield from file.iter_batches(batch_size=_ROWS_AT_ONCE, row_groups=[group], columns=columns)


def _combined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    batch: pa.RecordBatch = pa.Table.from_batches(batches, ROWS).combine_chunks().to_batches()[0]
    return batch


def _damaged(directory: Path, what: str) -> PlanUnusable:
    return PlanUnusable(f"{directory}: {what}", hint="It cannot be trusted any more: plan again.")
