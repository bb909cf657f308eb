"""A plan as one JSON document for machines."""

from typing import Any

import msgspec

from readstate.changes.render.summary import Summary
from readstate.model.plan import SELECTION


def plan_document(summary: Summary) -> dict[str, Any]:
    """Return what a scheduler needs to know of a plan, without its rows."""
    manifest = summary.manifest
    return {
        "plan_id": manifest.plan_id,
        "plan_dir": str(summary.plan.directory),
        "plan_sha256": manifest.plan_sha256,
        "created_at": _json(manifest.created_at),
        "expires_at": _json(manifest.expires_at),
        "account_sid": manifest.account_sid,
        "service_sid": manifest.service_sid,
        "base_url": manifest.base_url,
        "mode": manifest.mode.value,
        "rows": manifest.rows,
        "counts": manifest.counts,
        "reasons": manifest.reasons,
        "guards": _json(summary.guards),
        "input": _json(manifest.input),
        "selection": manifest.options.get(SELECTION),
        "not_checked": list(manifest.not_checked),
        "request_estimate": _json(manifest.request_estimate),
    }


def render_json(summary: Summary) -> str:
    """Return the document with the rows of the summary."""
    document = plan_document(summary) | {"shown_rows": _json(summary.rows)}
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _json(value: Any) -> Any:
    return msgspec.to_builtins(value)
