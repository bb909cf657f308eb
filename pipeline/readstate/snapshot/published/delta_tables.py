"""Delta tables over published snapshots: a transaction log beside the Parquet files, with one commit for each snapshot.

No row is written twice: a snapshot's partition is laid out as Delta wants it, so a commit only names its files. The
manifests are authoritative, and the log is derived from them; `sync` is idempotent.
"""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from readstate.errors import BadInput, StoppedEarly
from readstate.snapshot.published.manifest import Dataset, Manifest, SnapshotFile
from readstate.snapshot.published.schema import SCHEMAS, plain_strings
from readstate.snapshot.published.snapshot_store import SnapshotStore
from readstate.snapshot.storage.address import is_address, parse_address

if TYPE_CHECKING:
    from deltalake import DeltaTable

_LOG = "_delta_log"
_DATE = "snapshot_date"
_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")


def has_tables(store: SnapshotStore) -> bool:
    """Return whether there are Delta tables below the root."""
    return _LOG in store.objects.list_folders("user_conversations")


def require_delta() -> None:
    """Raise `BadInput` where the deltalake library is not installed."""
    if find_spec("deltalake") is None:
        raise BadInput(
            "Delta tables need a library that is not installed",
            hint="pip install 'readstate[delta]', then run the same command again.",
        )


def sync(store: SnapshotStore, *, leaving_out: Collection[date] = ()) -> None:
    """Make the Delta tables name the files that the manifests name, without the dates *leaving_out*; create them first.

    One commit for each date and table where they differ. Raise `BadInput`, `StoppedEarly`, and what the store raises.
    """
    require_delta()
    manifests = {day: manifest for day in store.dates() if day not in leaving_out and (manifest := store.manifest(day))}
    for dataset, schema in SCHEMAS.items():
        with _translate_errors(store, dataset):
            _sync_table(_open_table(store, dataset, schema), dataset, manifests)


def sync_if_present(store: SnapshotStore, *, leaving_out: Collection[date] = ()) -> None:
    """Do what `sync` does where there are Delta tables; do nothing elsewhere."""
    if has_tables(store):
        sync(store, leaving_out=leaving_out)


def _open_table(store: SnapshotStore, dataset: Dataset, schema: pa.Schema) -> "DeltaTable":
    from deltalake import DeltaTable  # noqa: PLC0415 - optional

    address, options = _address(store, dataset)
    return DeltaTable.create(
        address, _delta_schema(schema), mode="ignore", partition_by=[_DATE], storage_options=options
    )


def _sync_table(table: "DeltaTable", dataset: Dataset, manifests: dict[date, Manifest]) -> None:
    from deltalake import CommitProperties  # noqa: PLC0415 - optional

    known = _files_by_date(table)
    for day in sorted(known.keys() | manifests.keys()):
        manifest = manifests.get(day)
        files = [] if manifest is None else manifest.files_of(dataset)
        if {_name(file) for file in files} == known.get(day, set()):
            continue
        metadata = {_DATE: day.isoformat(), "run_id": "" if manifest is None else manifest.run_id}
        properties = CommitProperties(custom_metadata=metadata)
        if manifest is None or not files:
            table.delete(f"{_DATE} = '{day}'", commit_properties=properties)
        else:
            # Not write_deltalake, which writes the rows again: this names files that are there already.
            table.create_write_transaction(
                [_add_action(file, manifest) for file in files],
                mode="overwrite",
                schema=table.schema(),
                partition_by=[_DATE],
                partition_filters=[(_DATE, "=", day.isoformat())],
                commit_properties=properties,
            )
        # Load the version that was just committed: the next date is committed on top of it.
        table.update_incremental()


def _files_by_date(table: "DeltaTable") -> dict[date, set[str]]:
    found: dict[date, set[str]] = {}
    actions = pa.table(table.get_add_actions(flatten=True))
    for path, day in zip(actions["path"].to_pylist(), actions[f"partition.{_DATE}"].to_pylist(), strict=True):
        found.setdefault(day, set()).add(path)
    return found


def _add_action(file: SnapshotFile, manifest: Manifest) -> Any:
    from deltalake.transaction import AddAction  # noqa: PLC0415 - optional

    return AddAction(
        path=_name(file),
        size=file.bytes,
        partition_values={_DATE: manifest.snapshot_date.isoformat()},
        modification_time=int(manifest.ended_at.timestamp() * 1000),
        data_change=True,
        stats=f'{{"numRecords": {file.rows}}}',
    )


def _name(file: SnapshotFile) -> str:
    """Return the path of a file relative to its table."""
    return file.path.split("/", 1)[1]


def _delta_schema(schema: pa.Schema) -> pa.Schema:
    """Return the schema of a Delta table: no dictionaries, and the partition column, which the files do not have."""
    return pa.schema([*plain_strings(schema), pa.field(_DATE, pa.date32())])


def _address(store: SnapshotStore, dataset: Dataset) -> tuple[str, dict[str, str] | None]:
    root = store.root if is_address(store.root) else store.objects.absolute("")
    if escape := _ESCAPE.search(root):
        # deltalake writes the log below the root as it stands, and looks for it where the escape would lead.
        raise BadInput(
            f"{store.root}: deltalake takes the {escape[0]} in this path for an escape, so it can have no Delta tables",
            hint="The snapshots are not affected. For Delta tables, choose a root without it.",
        )
    if not is_address(store.root):
        return str(Path(store.objects.absolute(dataset))), None
    from readstate.snapshot.storage.cloud_client import storage_options  # noqa: PLC0415 - obstore, for addresses alone

    return f"{parse_address(store.root).url}/{dataset}", storage_options(store.root)


@contextmanager
def _translate_errors(store: SnapshotStore, dataset: Dataset) -> Iterator[None]:
    from deltalake.exceptions import CommitFailedError, DeltaError  # noqa: PLC0415 - optional

    with store.objects.translate_errors(dataset):
        try:
            yield
        except CommitFailedError as error:
            raise StoppedEarly(
                f"{store.root}/{dataset}: another process writes to this Delta table: {error}",
                hint="The snapshot is published; the same command again updates its Delta tables.",
            ) from error
        except DeltaError as error:
            raise BadInput(
                f"{store.root}/{dataset}: its Delta table cannot be updated: {error}",
                hint=f"The snapshots do not depend on it. To create the table again, remove {dataset}/{_LOG}.",
            ) from error
