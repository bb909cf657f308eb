"""A plan as one HTML page that needs nothing else: no network, no script."""

from pathlib import Path
from typing import Any

from readstate.changes.render import wording
from readstate.changes.render.selection import selection
from readstate.changes.render.summary import SYMBOLS, Summary, field_changes, names_of, remarks
from readstate.html.render import render_template
from readstate.model.change import Disposition
from readstate.model.plan import PlanRow
from readstate.text import group_digits, pluralize


def render_html(summary: Summary) -> str:
    """Return the page; the template engine escapes everything from outside."""
    return render_template(Path(__file__).parent / "plan.html", **_facts(summary)) + "\n"


def _facts(summary: Summary) -> dict[str, Any]:
    refused = sum(not guard.passed for guard in summary.guards)
    return {
        "plan_id": summary.manifest.plan_id,
        "headline": _headline(summary, refused),
        "made": wording.made(summary),
        "source": wording.source(summary),
        "target": summary.manifest.target,
        "selection": list(selection(summary)),
        "undo": wording.undo(summary),
        "cost": wording.cost(summary),
        "sha256": summary.manifest.plan_sha256,
        "guards": sorted(summary.guards, key=lambda guard: guard.passed),
        "refused": refused,
        "not_checked": summary.manifest.not_checked,
        "kinds": [_kind(summary, disposition) for disposition in SYMBOLS if summary.count(disposition)],
    }


def _headline(summary: Summary, refused: int) -> str:
    updates, removals = summary.count(Disposition.UPDATE), summary.count(Disposition.DELETE)
    parts = [pluralize(updates, "update")] * bool(updates) + [pluralize(removals, "removal")] * bool(removals)
    planned = f"{' and '.join(parts)} planned" if parts else "Nothing is to be changed"
    return f"{planned}, {pluralize(refused, 'guard')} not passed" if refused else planned


def _kind(summary: Summary, disposition: Disposition) -> dict[str, Any]:
    count = summary.count(disposition)
    rows = [_row(row) for row in summary.rows if row.disposition == disposition]
    fields = {tuple(change.name for change in row["changes"]) for row in rows}
    (names,) = fields if len(fields) == 1 else ((),)
    return {
        "name": disposition.value,
        "title": disposition.value.replace("_", " "),
        "symbol": SYMBOLS[disposition],
        "count": group_digits(count),
        "breakdown": wording.breakdown(summary, disposition),
        "rows": rows,
        "more": group_digits(count - len(rows)) if count > len(rows) else "",
        # What all rows have in common is said once, not 541 times.
        "field": names[0] if len(names) == 1 else "",
        "remarks": _shared([row["remarks"] for row in rows]),
    }


def _shared(remarks: list[list[str]]) -> list[str]:
    return [remark for remark in remarks[0] if all(remark in others for others in remarks)] if len(remarks) > 1 else []


def _row(row: PlanRow) -> dict[str, Any]:
    user, conversation = names_of(row)
    return {
        "line": row.input_line,
        "user": user,
        "user_sid": row.user_sid if row.user_sid != row.user_input else None,
        "conversation": conversation,
        "conversation_sid": row.conversation_sid if row.conversation_sid != row.conversation_input else None,
        "changes": list(field_changes(row)),
        "remarks": remarks(row),
    }
