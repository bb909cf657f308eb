"""From the parts of a finished run to a snapshot: merge, write the users and failures, upload, manifest last."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import msgspec

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


@dataclass(frozen=True, slots=True)
class Publisher:
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
        # All files before the first upload: the manifest counts duplicates, and only the merge finds them.
        finished = list(self._merged(draft, rows))
        duplicates = draft.rows - sum(file.rows for _, file in finished)
        if duplicates:
            self.emit(DuplicatesDropped(duplicates))
        conversations = count_conversations([file for _, file in finished], self.workspace.finished)
        self.emit(ConversationsCounted(conversations or 0))
        folder, blanked = self.workspace.finished, draft.blanked_columns
        users = (row | {"snapshot_at": draft.started_at} for row in rows.users)
        finished.append(("users", write_users(users, folder, blanked_columns=blanked)))
        finished.append(("failures", write_failures(rows.failures, folder, blanked_columns=blanked)))
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

    def _merged(self, draft: Manifest, rows: RunRows) -> Iterator[tuple[Dataset, FinishedFile]]:
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
            yield "user_conversations", file

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
