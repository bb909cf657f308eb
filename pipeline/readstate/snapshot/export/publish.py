"""From the parts of a finished run to a snapshot: merge, write the users and failures, upload, manifest last."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import msgspec
from msgspec import Struct

from readstate.clock import Clock
from readstate.events import Compacting, ConversationsCounted, DuplicatesDropped, Observer, Publishing
from readstate.snapshot.export.distinct import count_conversations
from readstate.snapshot.export.result import RunRows
from readstate.snapshot.parts.compaction import compact
from readstate.snapshot.published.manifest import Dataset, Manifest, SnapshotFile, partition
from readstate.snapshot.published.parquet import FinishedFile
from readstate.snapshot.published.roster_tables import write_failures, write_users
from readstate.snapshot.published.snapshot_store import SnapshotStore, VersionedManifest
from readstate.snapshot.workspace.workspace import Workspace
from readstate.stop import StopSwitch


class Publisher(Struct, frozen=True):
    """Where and how a run is published."""

    store: SnapshotStore
    workspace: Workspace
    file_stem: str
    """What the names of its files begin with: no other content may ever get these names."""
    file_bytes: int
    replaces: VersionedManifest | None
    """The snapshot to be replaced; with None there must be none of this date."""
    stop: StopSwitch
    clock: Clock
    emit: Observer

    def publish(self, draft: Manifest, rows: RunRows) -> Manifest:
        """Write the files of a run below the root and, last, *draft* completed; return that manifest.

        Idempotent: a rerun after a crash writes the same files under the same names. Raise `PublishedMeanwhile`, what
        the store raises, and `Stopped` where a stop was requested between two files.
        """
        # All files before the first upload: the manifest counts duplicates, and only the merge finds them. At the same
        # time the roster: it is made of Python's objects, while Arrow merges without the interpreter's lock.
        with ThreadPoolExecutor(1, thread_name_prefix="roster") as thread:
            roster = thread.submit(self._roster, draft, rows)
            merged = list(self._merged(draft, rows))
            conversations = count_conversations(merged, self.workspace.finished)
        duplicates = draft.rows - sum(file.rows for file in merged)
        if duplicates:
            self.emit(DuplicatesDropped(duplicates))
        self.emit(ConversationsCounted(conversations or 0))
        finished: list[tuple[Dataset, FinishedFile]] = [("user_conversations", file) for file in merged]
        finished += roster.result()
        files = tuple(self._upload(draft, finished))
        manifest = msgspec.structs.replace(
            draft,
            ended_at=self.clock.now(),
            rows=draft.rows - duplicates,
            conversations=conversations,
            duplicates_dropped=duplicates,
            files=files,
        )
        self.store.publish(manifest, replaces=self.replaces)
        return manifest

    def _roster(self, draft: Manifest, rows: RunRows) -> list[tuple[Dataset, FinishedFile]]:
        folder, blanked = self.workspace.finished, draft.blanked_columns
        users = (row | {"snapshot_at": draft.started_at} for row in rows.users)
        return [
            ("users", write_users(users, folder, blanked_columns=blanked)),
            ("failures", write_failures(rows.failures, folder, blanked_columns=blanked)),
        ]

    def _merged(self, draft: Manifest, rows: RunRows) -> Iterator[FinishedFile]:
        done = 0
        for file in compact(
            rows.parts,
            self.workspace.finished,
            run_id=draft.run_id,
            snapshot_at=draft.started_at,
            file_bytes=self.file_bytes,
            blanked_columns=draft.blanked_columns,
        ):
            done += file.rows
            self.emit(Compacting(done, draft.rows))
            self.stop.raise_if_stopped()
            yield file

    def _upload(self, draft: Manifest, finished: list[tuple[Dataset, FinishedFile]]) -> Iterator[SnapshotFile]:
        for number, (dataset, file) in enumerate(finished, start=1):
            # Named after its contents too: a run that is resumed never writes over what it has published before.
            name = f"{self.file_stem}-{file.path.name[-13:-8]}-{file.sha256[:8]}.parquet"
            path = f"{partition(dataset, draft.snapshot_date)}/{name}"
            self.store.put(file.path, path, size=file.bytes, sha256=file.sha256)
            self.emit(Publishing(number, len(finished)))
            yield SnapshotFile(path, dataset, file.rows, file.bytes, file.sha256)
            with suppress(OSError):  # the work folder is removed soon
                file.path.unlink()
            self.stop.raise_if_stopped()
