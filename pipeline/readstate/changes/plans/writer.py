"""Write a plan directory: rows as they come, the manifest last, and only then its final name."""

import gzip
import os
import shutil
import tempfile
from contextlib import AbstractContextManager, suppress
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import pyarrow.parquet as pq

from readstate.changes.plans.counts import PlanCounts
from readstate.changes.plans.schema import ROWS, to_batch
from readstate.disk.files import (
    create_private,
    create_private_folder,
    sha256_of,
    sync_folder,
    translate_os_errors,
    write_private,
)
from readstate.disk.locks import is_locked, try_lock
from readstate.model.plan import Manifest, PlanRow

MANIFEST = "manifest.json"
ROWS_FILE = "rows.parquet"
REJECTS = "rejects.csv"
PARTICIPANTS = "participants.jsonl.gz"

# Rows are converted while they are few: as Python objects they take about 1 kB each. Not fewer, either: for each group,
# Parquet holds 29 kB until the file is closed.
_ROWS_IN_GROUP = 8_192
_COMPRESSION = {"compression": "zstd", "compression_level": 1}


UNFINISHED = ".unfinished-"
"""Prefix of a plan's directory until it is complete."""


class PlanWriter:
    """Builds a plan under a temporary name; an error leaves nothing behind."""

    def __init__(self, root: Path) -> None:
        """Begin a plan under *root*. Raise `LocalDisk`."""
        with _disk(root):
            create_private_folder(root)
            self.directory = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=root))
            self._rows_file = create_private(self.directory / ROWS_FILE)
            try_lock(self._rows_file.fileno())  # for is_abandoned: it dies with this process
            self._participants_file = create_private(self.directory / PARTICIPANTS)
        self._root = root
        self.tally = PlanCounts()
        self._parquet = pq.ParquetWriter(self._rows_file, ROWS, **_COMPRESSION)
        self._participants = gzip.GzipFile(fileobj=self._participants_file, mode="wb", mtime=0)
        self._participants_digest = sha256()
        self._buffer: list[PlanRow] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.tally.close()
        if self._parquet.is_open:
            with suppress(OSError):  # a full disk was reported already
                self._parquet.close()
        for file in (self._rows_file, self._participants_file):
            with suppress(OSError):  # `finish` has made them durable; without it they are removed now
                file.close()
        if self.directory.name.startswith(UNFINISHED):
            shutil.rmtree(self.directory, ignore_errors=True)

    def add(self, row: PlanRow, participant: bytes | None = None) -> None:
        """Add the next row, and for a removal the *participant* as JSON. Raise `LocalDisk`."""
        self.tally.add(row)
        self._buffer.append(row)
        with _disk(self.directory):
            if participant is not None:
                self._keep(row, participant)
            if len(self._buffer) == _ROWS_IN_GROUP:
                self._flush()

    def finish(self, draft: Manifest) -> Path:
        """Complete *draft* with the digests, and rename the plan to its final name. Raise `LocalDisk`."""
        with _disk(self.directory):
            self._flush()
            self._parquet.close()
            self._participants.close()
            # Content before manifest, manifest before name: a power cut leaves no plan that only looks whole.
            for file in (self._rows_file, self._participants_file):
                file.flush()
                os.fsync(file.fileno())
            manifest = with_digest(
                msgspec.structs.replace(
                    draft,
                    rows_sha256=sha256_of(self.directory / ROWS_FILE),
                    attachments=self._attachments(),
                    rows=self.tally.rows,
                )
            )
            write_private(self.directory / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2))
            final = self._root / manifest.plan_id
            self.directory.rename(final)
            sync_folder(self._root)
            self.directory = final
        return final

    def _keep(self, row: PlanRow, participant: bytes) -> None:
        line = msgspec.json.encode(
            {
                "plan_row_id": row.plan_row_id,
                "user_sid": row.user_sid,
                "conversation_sid": row.conversation_sid,
                "notification_level": row.before_level,
                "participant": msgspec.Raw(participant),
            }
        )
        # Before compression: gzip's bytes differ between versions of zlib.
        self._participants_digest.update(line + b"\n")
        self._participants.write(line + b"\n")

    def _flush(self) -> None:
        if self._buffer:
            self._parquet.write_batch(to_batch(self._buffer))
            self._buffer.clear()

    def _attachments(self) -> dict[str, str]:
        attachments = {PARTICIPANTS: self._participants_digest.hexdigest()}
        if (rejects := self.directory / REJECTS).exists():
            attachments[REJECTS] = sha256_of(rejects)
        return attachments


def is_abandoned(directory: Path) -> bool:
    """Whether no process holds the unfinished plan in *directory*: planning may take days without writing a row."""
    return not is_locked(directory / ROWS_FILE)


def with_digest(manifest: Manifest) -> Manifest:
    """Return *manifest* with its digest, and with the name that follows from it."""
    # Through JSON once, so that exactly what is read later is sealed: 0 and 0.0 are one value, and two texts.
    digest = digest_of(msgspec.json.decode(msgspec.json.encode(manifest)))
    return msgspec.structs.replace(manifest, plan_sha256=digest, plan_id=f"p-{digest[:12]}")


def digest_of(manifest: dict[str, Any]) -> str:
    """Return the sha256 of *manifest*, as JSON has it, with sorted names and without the seal itself."""
    return sha256(msgspec.json.encode(manifest | {"plan_sha256": "", "plan_id": ""}, order="sorted")).hexdigest()


def _disk(path: Path) -> AbstractContextManager[None]:
    return translate_os_errors(path, hint="Free some space, or name another folder with -o.")
