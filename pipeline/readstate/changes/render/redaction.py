"""Take the identities out of what is shown of a plan: a change stays visible, and who it is about does not. Pure."""

from enum import StrEnum
from typing import Any

from msgspec.structs import replace

from readstate.model.change import Disposition
from readstate.model.ids import is_sid
from readstate.model.plan import Manifest, PlanRow
from readstate.model.selection import SELECTION

REDACT = "redact"
"""What a manifest calls the wish of its author."""
_HIDDEN = "***"


class Redaction(StrEnum):
    """What is left out of everything that is shown."""

    NOTHING = "nothing"
    IDENTITIES = "identities"
    """Identities, unique names, notes and whatever may quote them; SIDs say nothing to outsiders, and stay."""


def redaction_of(manifest: Manifest) -> Redaction:
    """What the author of a plan wanted to be left out."""
    return Redaction(manifest.options.get(REDACT, Redaction.NOTHING))


def redacted_row(row: PlanRow) -> PlanRow:
    """*row* with SIDs, or else stars, in the place of names."""
    is_named = not (is_sid(row.user_input, "US") and is_sid(row.conversation_input, "CH"))
    # What could not be read quotes the address that was asked for, which has the names in it.
    may_quote = is_named and row.disposition == Disposition.READ_ERROR
    return replace(
        row,
        user_input=row.user_sid or _name(row.user_input, "US", "user"),
        conversation_input=row.conversation_sid or _name(row.conversation_input, "CH", "conversation"),
        row_key=_hidden(row.row_key),
        note=_hidden(row.note),
        reason_detail=_hidden(row.reason_detail) if may_quote else row.reason_detail,
    )


def redacted_manifest(manifest: Manifest) -> Manifest:
    """*manifest* without the condition that somebody typed, which may name anybody; its digest is another one then."""
    selection: dict[str, Any] = manifest.options.get(SELECTION) or {}
    if "where" not in (conditions := selection.get("conditions", {})):
        return manifest
    hidden = selection | {"conditions": conditions | {"where": _HIDDEN}}
    return replace(manifest, options=manifest.options | {SELECTION: hidden})


def _name(text: str, prefix: str, what: str) -> str:
    return text if is_sid(text, prefix) else f"{_HIDDEN} ({what})"


def _hidden(text: str | None) -> str | None:
    return None if text is None else _HIDDEN
