"""All that a finished run has read, wherever it was kept: what there is to publish."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from readstate.errors import GuardRefused
from readstate.model.ids import is_sid
from readstate.model.quantities import Allowance
from readstate.model.resources import User
from readstate.snapshot.published.manifest import ServiceUsers, UserCounts
from readstate.snapshot.published.roster_tables import Row
from readstate.snapshot.workspace.checkpoint import Checkpoint
from readstate.snapshot.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Findings:
    """What a run found; its rows are read when they are asked for."""

    parts: Sequence[Path]
    """Sorted, each by itself; of rows that came twice the last part's counts."""
    rows: int
    """In all parts together."""
    users: UserCounts
    services: tuple[ServiceUsers, ...]
    unknown_fields: dict[str, int]
    roster: Callable[[], Iterator[Row]]
    """Every user as the dataset `users` has it, but for `snapshot_at`, ordered by service and SID."""
    failures: Callable[[], Iterator[Row]]
    """Every user that could not be read as the dataset `failures` has it, in the same order."""


def findings_of(checkpoint: Checkpoint, workspace: Workspace) -> Findings:
    """What the run of *checkpoint* found."""
    done = checkpoint.progress()
    return Findings(
        parts=[workspace.parts / part.name for part in checkpoint.parts()],
        rows=done.rows,
        users=UserCounts(listed=done.listed, read=done.read, vanished=done.vanished, failed=done.failed),
        services=tuple(ServiceUsers(sid, users) for sid, users in checkpoint.users_by_service().items()),
        unknown_fields=checkpoint.recall("unknown_fields") or {},
        roster=lambda: map(_user, checkpoint.users()),
        failures=lambda: (_failure(row) for row in checkpoint.users() if row["state"] == "failed"),
    )


def refuse_if_too_many_failed(
    users: UserCounts, allowed: Allowance, *, on_incomplete: Literal["publish", "refuse"], to_try_again: str
) -> None:
    """Raise `GuardRefused` where more failed than allowed, and that is not to be published."""
    limit = allowed.of(users.listed)
    if users.failed > limit and on_incomplete == "refuse":
        raise GuardRefused(
            f"{users.failed} of {users.listed} users could not be read, more than the {limit} allowed: not published",
            hint=f"{to_try_again} to try these users once more, or publish with --on-incomplete publish.",
        )


def _user(row: Mapping[str, Any]) -> Row:
    user = msgspec.json.decode(row["resource"], type=User)
    return msgspec.structs.asdict(user) | {
        "sid": row["sid"] if is_sid(row["sid"], "US") else None,
        "chat_service_sid": row["service"],
        "conversations": row["rows"],
        "result": row["state"],
    }


def _failure(row: Mapping[str, Any]) -> Row:
    return {
        "chat_service_sid": row["service"],
        "user_sid": row["sid"] if is_sid(row["sid"], "US") else None,
        "identity": row["identity"],
        "reason": row["reason"],
        "status": row["status"],
        "code": row["code"],
        "request_id": row["request_id"],
        "failed_at": datetime.fromisoformat(row["at"]),
    }
