"""What a finished run has read: the counts of its manifest, and the rows that are to be published."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from readstate.errors import GuardRefused
from readstate.model.ids import is_sid
from readstate.model.quantities import Allowance
from readstate.snapshot.export.options import ExportContext, ExportOptions
from readstate.snapshot.published.manifest import Manifest, ServiceUsers, UserCounts
from readstate.snapshot.published.roster_tables import Row
from readstate.snapshot.published.schema import SCHEMA_VERSION
from readstate.snapshot.workspace.checkpoint import Checkpoint
from readstate.snapshot.workspace.checkpoint_rows import UserRow
from readstate.snapshot.workspace.run import Run, RunRecord, idle_seconds
from readstate.snapshot.workspace.timeline import sum_requests
from readstate.snapshot.workspace.workspace import Workspace


class RunRows(Struct, frozen=True):
    """The rows of a finished run. Users and failures can be iterated over once, ordered by service and SID."""

    parts: Sequence[Path]
    """Each sorted by itself; of rows that came twice the last part's row is valid."""
    users: Iterator[Row]
    """As the dataset `users` has them, without `snapshot_at`."""
    failures: Iterator[Row]
    """The users that could not be read, as the dataset `failures` has them."""


def run_rows(checkpoint: Checkpoint, workspace: Workspace) -> RunRows:
    """Return the rows of a run that one process has read."""
    return RunRows(
        parts=[workspace.parts / part.name for part in checkpoint.parts()],
        users=map(_user, checkpoint.users()),
        failures=map(_failure, checkpoint.failed_users()),
    )


def draft_manifest(
    options: ExportOptions, context: ExportContext, run: Run, record: RunRecord, checkpoint: Checkpoint
) -> Manifest:
    """Return the manifest of a finished run as far as it is known before its files are written."""
    done = checkpoint.progress()
    names = checkpoint.get("service_names", dict[str, str]) or {}
    users = UserCounts(
        listed=done.listed, read=done.read, vanished=done.vanished, failed=done.failed, unknown=done.unknown
    )
    return Manifest(
        schema_version=SCHEMA_VERSION,
        tool_version=context.tool_version,
        run_id=run.run_id,
        snapshot_date=options.snapshot_date,
        account_sid=run.account_sid,
        base_url=options.base_url,
        transport=context.transport,
        roster=options.roster(default_service=checkpoint.require("options", dict[str, Any]).get("default_service")),
        services=tuple(
            ServiceUsers(sid, users, names.get(sid)) for sid, users in checkpoint.users_by_service().items()
        ),
        started_at=run.started_at,
        ended_at=context.clock.now(),
        starts=len(record.spans),
        paused_seconds=idle_seconds(record.spans),
        users=users,
        rows=done.rows,
        duplicates_dropped=0,
        unknown_fields=checkpoint.get("unknown_fields", dict[str, int]) or {},
        blanked_columns=options.blanked_columns,
        requests=sum_requests(record.timeline),
        timeline=record.timeline,
        complete=users.are_complete(options.allow_missing),
        files=(),
    )


def require_few_failures(
    users: UserCounts,
    allowed: Allowance,
    *,
    allow_missing: Allowance,
    on_incomplete: Literal["publish", "refuse"],
    to_try_again: str,
) -> None:
    """Raise `GuardRefused` where more users failed than *allowed* and an incomplete snapshot is to be refused.

    Likewise where more are unknown than *allow_missing*.
    """
    if on_incomplete != "refuse":
        return
    if not users.has_few_unknown(allow_missing):
        raise GuardRefused(
            f"{users.unknown} of {users.listed} users of the file are unknown: not published",
            hint="Is it the right account and service? If so: --allow-missing, or --on-incomplete publish.",
        )
    limit = allowed.of(users.listed)
    if users.failed > limit:
        raise GuardRefused(
            f"{users.failed} of {users.listed} users could not be read, more than the {limit} allowed: not published",
            hint=f"{to_try_again} to retry these users, or publish with --on-incomplete publish.",
        )


def _user(row: UserRow) -> Row:
    return msgspec.structs.asdict(row.resource) | {
        # A user that only a users file names is kept under that name, which is no SID.
        "sid": row.sid if is_sid(row.sid, "US") else None,
        "chat_service_sid": row.service,
        "conversations": row.rows,
        "result": row.state,
    }


def _failure(row: UserRow) -> Row:
    return {
        "chat_service_sid": row.service,
        "user_sid": row.sid if is_sid(row.sid, "US") else None,
        "identity": row.identity,
        "reason": row.reason,
        "status": row.status,
        "code": row.code,
        "request_id": row.request_id,
        "failed_at": row.at,
    }
