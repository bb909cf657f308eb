"""A plan as Markdown for a chat or a pull request."""

import re
from collections.abc import Iterator

from readstate.changes.render import wording
from readstate.changes.render.selection import selection
from readstate.changes.render.summary import SYMBOLS, Summary, field_changes, names_of, remarks
from readstate.model.plan import PlanRow
from readstate.text import escape_control, group_digits

MOST_ROWS = 50
"""Comments of thousands of rows are unreadable, and many sites refuse them."""
_MEANINGFUL = re.compile(r"([\\`*_{}\[\]()#+\-.!|~>$])")


def render_markdown(summary: Summary) -> str:
    """Return the plan with tables; text from outside cannot form any Markdown or HTML."""
    return "\n".join(_lines(summary)) + "\n"


def escaped(text: str) -> str:
    """Return *text* escaped so that Markdown shows exactly its characters."""
    plain = escape_control(text).replace("&", "&amp;").replace("<", "&lt;")
    # A zero-width space after @ keeps a pasted plan from notifying people whose names are in it.
    return _MEANINGFUL.sub(r"\\\1", plain).replace("@", "@\u200b")


def _lines(summary: Summary) -> Iterator[str]:
    manifest = summary.manifest
    yield f"### Plan {manifest.plan_id}"
    yield ""
    for name, text in (
        ("Made", wording.made(summary).removeprefix("made ")),
        ("Input", wording.source(summary)),
        ("Target", wording.target(summary)),
        *selection(summary),
        ("Undo", wording.undo(summary)),
        ("Cost", wording.cost(summary)),
    ):
        if text:
            yield f"- **{name}:** {escaped(text)}"
    yield ""
    yield "| | What | Rows | Of these |"
    yield "|---|---|---:|---|"
    for disposition, symbol in SYMBOLS.items():
        if count := summary.count(disposition):
            breakdown = escaped(wording.breakdown(summary, disposition))
            yield f"| `{symbol}` | {escaped(disposition.value)} | {group_digits(count)} | {breakdown} |"
    yield ""
    yield "**Guards**"
    yield ""
    for guard in summary.guards:
        needs = f": needs `{guard.needs}`" if guard.needs else ""
        yield f"- {'passed' if guard.passed else '**not passed**'}: {escaped(guard.message)}{needs}"
    if summary.rows:
        yield ""
        yield from _table(summary)


def _table(summary: Summary) -> Iterator[str]:
    shown = summary.rows[:MOST_ROWS]
    yield f"{len(shown)} of {group_digits(summary.manifest.rows)} rows:"
    yield ""
    yield "| Line | User | Conversation | What happens |"
    yield "|---:|---|---|---|"
    yield from map(_row, shown)


def _row(row: PlanRow) -> str:
    user, conversation = names_of(row)
    changes = [
        f"{escaped(change.name)} {escaped(change.before)} → {escaped(change.after)}" for change in field_changes(row)
    ]
    said = "; ".join([*changes, *map(escaped, remarks(row))])
    return f"| {row.input_line} | {escaped(user)} | {escaped(conversation)} | {said} |"
