"""A plan as one JSON document for machines."""

from datetime import datetime

import msgspec

from readstate.changes.render.summary import Summary
from readstate.model.change import Disposition
from readstate.model.guards import Guard
from readstate.model.plan import SELECTION, InputFacts, PlanRow, RequestEstimate, SelectionFacts


class PlanDocument(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="plan/1"):
    """Of ``plan``, ``mark-read``, ``undo`` and ``show``."""

    plan_id: str
    plan_sha256: str
    created_at: datetime
    expires_at: datetime
    account_sid: str
    service_sid: str
    base_url: str
    mode: str
    rows: int
    counts: dict[Disposition, int]
    reasons: dict[str, int]
    input: InputFacts
    not_checked: list[str]
    request_estimate: RequestEstimate
    plan_dir: str
    guards: list[Guard]
    selection: SelectionFacts | None
    shown_rows: list[PlanRow] | msgspec.UnsetType = msgspec.UNSET


def plan_document(summary: Summary) -> PlanDocument:
    """Return what a scheduler needs to know of a plan, without its rows."""
    manifest = summary.manifest
    return PlanDocument(
        **{name: value for name, value in msgspec.structs.asdict(manifest).items() if name in _FIELDS},
        plan_dir=str(summary.plan.directory),
        guards=summary.guards,
        selection=manifest.options.get(SELECTION),
    )


def render_json(summary: Summary) -> str:
    """Return the document with the rows of the summary."""
    document = msgspec.structs.replace(plan_document(summary), shown_rows=summary.rows)
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


_FIELDS = frozenset(PlanDocument.__struct_fields__)
