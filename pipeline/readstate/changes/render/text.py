"""A plan as text for a terminal."""

from collections.abc import Iterator

from readstate.changes.render import wording
from readstate.changes.render.selection import selection
from readstate.changes.render.summary import SYMBOLS, Summary, field_changes, names_of, remarks
from readstate.model.change import Disposition
from readstate.model.plan import PlanRow
from readstate.text import group_digits

EXAMPLES = 10


def render_text(summary: Summary, *, examples: int = EXAMPLES) -> str:
    """Return the whole plan at a glance, with up to *examples* of its rows."""
    return "\n".join(_lines(summary, examples)) + "\n"


def render_rows(rows: list[PlanRow]) -> str:
    """Return one line for each of *rows*."""
    return "".join(f"{_row(row)}\n" for row in rows)


def _lines(summary: Summary, examples: int) -> Iterator[str]:
    manifest = summary.manifest
    yield f"Plan    {manifest.plan_id}  {wording.made(summary)}"
    yield f"Input   {wording.source(summary)}"
    yield f"Target  {wording.target(summary)}"
    for title, sentence in selection(summary):
        yield f"{title:<8}{sentence}"
    yield ""
    width = max(len(group_digits(count)) for count in manifest.counts.values())
    for disposition, symbol in SYMBOLS.items():
        if (count := summary.count(disposition)) or disposition.is_executable:
            breakdown = wording.breakdown(summary, disposition)
            yield f" {symbol} {disposition.value:<10} {group_digits(count):>{width}}  {breakdown}".rstrip()
    if examples and summary.rows:
        yield ""
        yield "Examples"
        yield from map(_row, _mixed(summary.rows, examples))
    yield ""
    yield "Guards"
    for guard in summary.guards:
        yield f" {'ok' if guard.passed else '! '} {guard.message}" + (f"  needs {guard.needs}" if guard.needs else "")
    yield f"Not checked: {', '.join(manifest.not_checked)}"
    if undo := wording.undo(summary):
        yield f"Undo    {undo}"
    yield f"Cost    {wording.cost(summary)}"


def _row(row: PlanRow) -> str:
    symbol = SYMBOLS[Disposition(row.disposition)]
    user, conversation = names_of(row)
    changes = [f"{change.name} {change.before} -> {change.after}" for change in field_changes(row)]
    said = "  ".join([*changes, *remarks(row)])
    return f" {symbol} line {row.input_line:<6} {user} / {conversation}  {said}"


def _mixed(rows: list[PlanRow], examples: int) -> list[PlanRow]:
    """A few rows of every kind rather than many of the first."""
    kinds = list(dict.fromkeys(row.disposition for row in rows))
    each = max(1, examples // len(kinds))
    return [row for kind in kinds for row in [row for row in rows if row.disposition == kind][:each]][:examples]
