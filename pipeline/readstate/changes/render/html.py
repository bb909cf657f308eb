"""A plan as one HTML page that needs nothing else: no network, no script."""

from pathlib import Path
from typing import Any

from readstate.changes.render import wording
from readstate.changes.render.selection import selection
from readstate.changes.render.summary import SYMBOLS, Summary, field_changes, names_of, remarks
from readstate.html.render import render_template
from readstate.model.plan import PlanRow
from readstate.text import group_digits


def render_html(summary: Summary) -> str:
    """Return the page; the template engine escapes everything from outside."""
    return render_template(Path(__file__).parent / "plan.html", **_facts(summary)) + "\n"


def _facts(summary: Summary) -> dict[str, Any]:
    kinds = [
        {
            "name": disposition.value,
            "title": disposition.value.replace("_", " "),
            "symbol": symbol,
            "count": group_digits(count),
            "breakdown": wording.breakdown(summary, disposition),
            "rows": rows,
            "more": group_digits(count - len(rows)) if count > len(rows) else "",
        }
        for disposition, symbol in SYMBOLS.items()
        if (count := summary.count(disposition))
        for rows in [[_row(row) for row in summary.rows if row.disposition == disposition]]
    ]
    return {
        "plan_id": summary.manifest.plan_id,
        "made": wording.made(summary),
        "source": wording.source(summary),
        "target": summary.manifest.target,
        "selection": list(selection(summary)),
        "undo": wording.undo(summary),
        "cost": wording.cost(summary),
        "sha256": summary.manifest.plan_sha256,
        "guards": sorted(summary.guards, key=lambda guard: guard.passed),
        "refused": sum(not guard.passed for guard in summary.guards),
        "not_checked": summary.manifest.not_checked,
        "kinds": kinds,
    }


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
