"""A published snapshot, opened for reading from Python."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from msgspec import Struct
from pyarrow import parquet as pq

from readstate.errors import BadInput
from readstate.model.ids import kind_of_id
from readstate.model.quantities import parse_date
from readstate.snapshot.published.manifest import Dataset, Manifest, SnapshotFile
from readstate.snapshot.published.schema import SCHEMAS
from readstate.snapshot.published.snapshot_store import SnapshotStore, open_store
from readstate.snapshot.storage.address import is_address
from readstate.text import escape_control

if TYPE_CHECKING:
    import pandas as pd
    from pyarrow import dataset as ds


class Snapshot(Struct, frozen=True):
    """All UserConversations of a roster, as one run read them; only files that the manifest names are read."""

    store: SnapshotStore
    manifest: Manifest

    def dataset(self, name: Dataset = "user_conversations") -> "ds.Dataset":
        """Return the UserConversations, or another dataset, for pyarrow to filter and stream."""
        return open_dataset(self.store, self.manifest.files_of(name), SCHEMAS[name])

    def to_pandas(self, *, columns: list[str] | None = None, filter: "ds.Expression | None" = None) -> "pd.DataFrame":  # noqa: A002 - pyarrow's word
        """Return *columns* of the UserConversations that match *filter*, a pyarrow expression, as a frame.

        Integers and booleans have pandas' nullable types: null stays null, and no integer becomes a float.
        """
        import pandas as pd  # noqa: PLC0415 - 0.5 s, for those who want a frame

        nullable = {pa.int32(): pd.Int32Dtype(), pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
        frame: pd.DataFrame = (
            self.dataset().to_table(columns=columns, filter=filter).to_pandas(types_mapper=nullable.get)
        )
        return frame

    def users(self) -> pa.Table:
        """Return the roster: one row a user, with `identity` and `result` (read, vanished, unknown or failed)."""
        return self.dataset("users").to_table()

    def failures(self) -> pa.Table:
        """Return the users that could not be read, with the reasons."""
        return self.dataset("failures").to_table()


def open_snapshot(root: str, day: date | str | None = None) -> Snapshot:
    """Return the snapshot of *day* below *root*, or the newest for None. Raise `BadInput` where there is none."""
    store = open_store(root)
    wanted = parse_date(day) if isinstance(day, str) else day
    known = store.dates()
    if wanted is None and known:
        wanted = known[-1]
    manifest = None if wanted is None else store.manifest(wanted)
    if manifest is None:
        missing = f"{root}: no published snapshot{f' of {wanted}' if wanted else ''}"
        raise BadInput(missing, hint=_hint(root, known))
    return Snapshot(store, manifest)


def open_dataset(
    store: SnapshotStore,
    files: Sequence[SnapshotFile],
    schema: pa.Schema,
    *,
    partitioning: "ds.Partitioning | None" = None,
) -> "ds.Dataset":
    """Return the rows of *files* for pyarrow to filter and stream."""
    from pyarrow import dataset as ds  # noqa: PLC0415 - 16 MB, and an export opens none

    if not files:  # pyarrow refuses a dataset of no files
        return ds.dataset(schema.empty_table())
    with store.objects.translate_errors(files[0].path):
        return ds.dataset(
            [store.objects.absolute(file.path) for file in files],
            schema=schema,
            format="parquet",
            filesystem=store.objects.filesystem,
            partitioning=partitioning,
        )


@contextmanager
def translate_damage(root: str, *errors: type[Exception]) -> Iterator[None]:
    """Raise `BadInput` where a file below *root* turns out to be no Parquet file, as pyarrow or *errors* say."""
    try:
        yield
    except (pa.ArrowException, OSError, *errors) as error:
        if isinstance(error, OSError) and error.errno is not None:  # from the system, not from pyarrow
            raise
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise BadInput(
            f"{root}: a published file is damaged: {first}",
            hint=f"To see which:  readstate snapshots {root} --verify\nThen export that date again.",
        ) from error


def _hint(root: str, known: list[date]) -> str:
    shown = escape_control(root)
    if known:
        return f"It has {', '.join(map(str, known[-5:]))}."
    is_missing = not is_address(root) and not Path(root).exists()
    if is_missing and (kind := kind_of_id(root)) is not None:
        see = f"readstate {'status' if kind == 'run' else 'show'} {shown}"
        return f"This is the id of a {kind}: name the root of the snapshots instead. To see the {kind}:  {see}"
    place = f"There is no folder {shown}. " if is_missing else ""
    return f"{place}Publish one with: readstate export --out {shown}"


def defects(store: SnapshotStore, manifest: Manifest) -> Iterator[str]:
    """Yield a sentence for each difference between a snapshot's files and its manifest, byte for byte."""
    for file in manifest.files:
        found = store.checksum(file.path)
        if found is None:
            yield f"{file.path} is missing"
        elif found != (file.bytes, file.sha256):
            yield f"{file.path} has {found[0]} bytes and sha256 {found[1][:12]}…, not those in the manifest"
        else:
            yield from _defects_inside(store, file)
    users = manifest.users
    results = (users.read, users.vanished, users.unknown, users.failed)
    if users.listed != sum(results):
        yield f"the manifest counts {users.listed} users, but {' + '.join(map(str, results))}"
    rows = sum(file.rows for file in manifest.files_of("user_conversations"))
    if rows != manifest.rows:
        yield f"the manifest counts {manifest.rows} rows, but its files {rows}"


def _defects_inside(store: SnapshotStore, file: SnapshotFile) -> Iterator[str]:
    # The hash proves the bytes; this proves that the manifest and the schema describe them.
    with store.objects.translate_errors(file.path):
        parquet: Any = pq.ParquetFile(store.objects.absolute(file.path), filesystem=store.objects.filesystem)
    if parquet.metadata.num_rows != file.rows:
        yield f"{file.path} holds {parquet.metadata.num_rows} rows, not {file.rows}"
    if not parquet.schema_arrow.equals(SCHEMAS[file.dataset]):
        yield f"{file.path} has another schema than this version of readstate"
