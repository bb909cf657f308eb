"""``readstate show``: look at a plan, in whole or at some of its rows."""

from pathlib import Path

import click

from readstate.changes.plans.reader import find_plan, open_plan
from readstate.changes.render.html import render_html
from readstate.changes.render.json_document import render_json
from readstate.changes.render.markdown import render_markdown
from readstate.changes.render.summary import row_of, sample, select, summarize
from readstate.changes.render.text import render_rows, render_text
from readstate.errors import BadInput, ExitCode
from readstate_jobs.output.terminal import print_plan


def carry_out(
    *, plan: str, root: Path, form: str, only: str | None, row: int | None, limit: int,
    as_json: bool, detailed_exitcode: bool,
) -> int:  # fmt: skip
    """Carry out ``readstate show`` and return its exit code."""
    opened = open_plan(find_plan(plan, root))
    if row is not None:
        rows = row_of(opened, row)
        if not rows:
            raise BadInput(f"{opened.manifest.plan_id} has no row {row}", hint=f"It has {opened.manifest.rows} rows.")
    elif only is not None:
        rows = select(opened, {kind.strip() for kind in only.split(",")}, limit=limit)
    else:
        rows = sample(opened) if form == "html" else sample(opened)[:limit]
    summary = summarize(opened, rows)
    match "json" if as_json else form:
        case "json":
            click.echo(render_json(summary), nl=False)
        case "md":
            click.echo(render_markdown(summary), nl=False)
        case "html":
            click.echo(render_html(summary), nl=False)
        case _ if row is not None or only is not None:
            print_plan(render_rows(summary.rows) or "no rows of these kinds\n")
        case _:
            print_plan(render_text(summary))
    changes = summary.count("update") + summary.count("delete")
    return ExitCode.CHANGES_PRESENT if detailed_exitcode and changes else ExitCode.DONE
