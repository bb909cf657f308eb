"""Write the plan of a workspace: compare each line with the current state, count, seal."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct, field

from readstate.changes.current_state.target import TargetInfo
from readstate.changes.planning.diff import diff
from readstate.changes.planning.options import PlanOptions
from readstate.changes.planning.plan_row import skip_by_status, to_plan_row
from readstate.changes.planning.workspace import PlanWorkspace
from readstate.changes.plans.reader import Plan, read_manifest
from readstate.changes.plans.writer import PlanWriter
from readstate.model.change import Disposition
from readstate.model.membership import Unreadable
from readstate.model.plan import InputFacts, Manifest, Planner, RequestEstimate

KEPT_FOR = timedelta(hours=24)
KEPT_WITH_DELETES_FOR = timedelta(hours=4)
NOT_CHECKED = (
    "whether a webhook rejects the changes",
    "whether the API key may write",
    "the account's rate limit for changes",
)
"""What a dry run cannot check."""
VERIFIED_SHARE = 0.01


class Provenance(Struct, frozen=True, kw_only=True):
    """Who makes a plan of what, with which tool and key."""

    planner: Planner
    tool_version: str
    api_key_sid_suffix: str
    via: str
    input: InputFacts
    options: dict[str, Any] = field(default_factory=dict)
    """Further options than `PlanOptions` knows."""


def write_plan(
    workspace: PlanWorkspace,
    options: PlanOptions,
    target_info: TargetInfo,
    writer: PlanWriter,
    *,
    provenance: Provenance,
    now: datetime,
    requests: int,
) -> Plan:
    """Compare every line with its current state, write the rows to *writer*, and seal the plan. Raise `LocalDisk`."""
    server_now = now + target_info.server_offset
    for plan_row_id, line in enumerate(workspace.lines()):
        change = skip_by_status(line) or diff(
            line.intent, line.current or Unreadable("it was not read"), options, server_now
        )
        row = to_plan_row(line, change, plan_row_id=plan_row_id)
        removed = row.disposition == Disposition.DELETE
        writer.add(row, line.participant_snapshot if removed else None)
    return finish_plan(
        writer,
        workspace.conversations_of,
        options=options,
        target_info=target_info,
        provenance=provenance,
        now=server_now,
        requests=requests,
    )


def finish_plan(
    writer: PlanWriter,
    conversations_of: Callable[[str], int],
    *,
    options: PlanOptions,
    target_info: TargetInfo,
    provenance: Provenance,
    now: datetime,
    requests: int,
) -> Plan:
    """Seal the plan whose rows *writer* has; *now* is the server's time. Raise `LocalDisk`.

    *conversations_of* a user returns how many that user has at least; *requests* were sent while planning.
    """
    tally = writer.tally
    guard_inputs = tally.guard_inputs(conversations_of)
    draft = Manifest(
        rows_sha256="",
        attachments={},
        created_at=now,
        expires_at=now + (KEPT_WITH_DELETES_FOR if guard_inputs.deletes else KEPT_FOR),
        server_date_offset_s=target_info.server_offset.total_seconds(),
        tool_version=provenance.tool_version,
        planner=provenance.planner,
        account_sid=target_info.target.account_sid,
        service_sid=target_info.target.service_sid,
        base_url=target_info.target.base_url,
        api_key_sid_suffix=provenance.api_key_sid_suffix,
        via=provenance.via,
        mode=options.mode,
        rows=tally.rows,
        counts={disposition.value: tally.counts[disposition] for disposition in Disposition},
        reasons=dict(sorted(tally.reasons.items())),
        reason_lines={reason: tuple(lines) for reason, lines in sorted(tally.reason_lines.items())},
        directions=dict(sorted(tally.directions.items())),
        fields=dict(sorted(tally.fields.items())),
        guard_inputs=guard_inputs,
        input=provenance.input,
        options=msgspec.to_builtins(options) | provenance.options,
        not_checked=NOT_CHECKED,
        request_estimate=_estimate(guard_inputs.updates + guard_inputs.deletes, requests, options),
    )
    directory = writer.finish(draft)
    return Plan(directory, read_manifest(directory))


def _estimate(executable: int, plan_requests: int, options: PlanOptions) -> RequestEstimate:
    # Each row is read before it is written, and some are read back.
    return RequestEstimate(
        plan_requests=plan_requests,
        apply_requests=2 * executable,
        verify_requests=-(-executable // round(1 / VERIFIED_SHARE)),
        writes_per_second=options.writes_per_second,
        apply_seconds=executable / options.writes_per_second,
    )
