"""The rows of a published snapshot, as the tables that a selection looks at."""

from collections.abc import Collection, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from readstate.errors import BadInput
from readstate.snapshot.published.schema import ROWS
from readstate.snapshot.published.snapshot import Snapshot


def past_rows(snapshot: Snapshot, service_sid: str, users: Collection[str] | None) -> Iterator[pa.Table]:
    """Stream the rows of *service_sid*, of all users or of *users* (SIDs and identities)."""
    wanted = pc.field("chat_service_sid") == service_sid
    if users is not None:
        named = pa.array(sorted(users), pa.string())
        wanted &= pc.field("user_sid").isin(named) | pc.field("identity").isin(named)
    for batch in snapshot.dataset().to_batches(filter=wanted):
        if len(batch):
            yield pa.Table.from_batches([batch]).cast(ROWS)


def missing_users(snapshot: Snapshot, service_sid: str, users: Collection[str]) -> list[str]:
    """Those of *users* (SIDs and identities) that the snapshot of *service_sid* does not know."""
    wanted = pc.field("chat_service_sid") == service_sid
    known = set[str]()
    for batch in snapshot.dataset("users").to_batches(columns=["sid", "identity"], filter=wanted):
        known.update(name for column in batch.columns for name in column.to_pylist() if name in users)
    return [user for user in users if user not in known]


def check_origin(snapshot: Snapshot, *, account_sid: str, service_sid: str, base_url: str) -> None:
    """Refuse a snapshot of another account, address or service. Raises `BadInput`."""
    manifest = snapshot.manifest
    services = {service.chat_service_sid for service in manifest.services}
    for name, theirs, mine in (
        ("account", manifest.account_sid, account_sid),
        ("address", manifest.base_url, base_url),
        ("service", service_sid if service_sid in services else ", ".join(sorted(services)) or "nothing", service_sid),
    ):
        if theirs != mine and theirs is not None:
            raise BadInput(
                f"{snapshot.store.root}: the snapshot of {manifest.snapshot_date} is of {name} {theirs}, not {mine}",
                hint="Give the credentials, --base-url and --service that it was made with, or make one:"
                " readstate export --out ROOT",
            )


def check_columns(snapshot: Snapshot, needed: Collection[str]) -> None:
    """Refuse a snapshot without *needed* columns: empty would look like never read. Raises `BadInput`."""
    blank = [name for name in snapshot.manifest.blanked_columns if name in needed]
    if blank:
        raise BadInput(
            f"{snapshot.store.root}: the snapshot of {snapshot.manifest.snapshot_date} was made without"
            f" {', '.join(blank)}",
            hint="Leave --from-snapshot out to ask Twilio, or export again with these columns.",
        )
