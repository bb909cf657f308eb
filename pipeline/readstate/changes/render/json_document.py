"""A plan as one JSON document for machines."""

from typing import Any

import msgspec

from readstate.changes.render.summary import Summary
from readstate.model.plan import SELECTION

_OF_THE_MANIFEST = (
    "plan_id", "plan_sha256", "created_at", "expires_at", "account_sid", "service_sid", "base_url", "mode", "rows",
    "counts", "reasons", "input", "not_checked", "request_estimate",
)  # fmt: skip


def plan_document(summary: Summary) -> dict[str, Any]:
    """Return what a scheduler needs to know of a plan, without its rows."""
    manifest = msgspec.to_builtins(summary.manifest)
    return {
        "schema": "plan/1",
        **{name: manifest[name] for name in _OF_THE_MANIFEST},
        "plan_dir": str(summary.plan.directory),
        "guards": msgspec.to_builtins(summary.guards),
        "selection": manifest["options"].get(SELECTION),
    }


def render_json(summary: Summary) -> str:
    """Return the document with the rows of the summary."""
    document = plan_document(summary) | {"shown_rows": msgspec.to_builtins(summary.rows)}
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
