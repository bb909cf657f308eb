"""``readstate report``: a snapshot or a run as one page."""

import sys
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import click

from readstate.changes.review import report as run_report
from readstate.changes.runs.directory import find_run, names_run, open_plan_of
from readstate.changes.runs.journal import open_read_only
from readstate.changes.runs.status import status_of
from readstate.errors import BadInput, ExitCode, Usage
from readstate.snapshot.query import report as snapshot_report
from readstate.snapshot.storage.output_file import output_writer
from readstate_jobs.cli.messages import command_line
from readstate_jobs.cli.options import log_options, outcome_options, parse_day, runs_options, work_dir_from
from readstate_jobs.help.command import GroupedCommand
from readstate_jobs.help.file_name import FileName


@click.command(cls=GroupedCommand)
@click.argument("what", type=FileName(), metavar="ROOT|RUN")
@click.option("--date", "day", type=parse_day, metavar="YYYY-MM-DD", help="The snapshot to show. [default: the newest]")
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="The file to write: a path or a URI. [default: report-….html in this folder at a terminal, else stdout]",
)
@click.option("--open", "opens", is_flag=True, help="Show the file in the browser.")
@click.option("--markdown", is_flag=True, help="Write Markdown, for a chat or a pull request, instead of HTML.")
@click.option("--show-pii", is_flag=True, help="Show names and identities too.")
@runs_options
@outcome_options
@log_options
def command(
    *, what: str, day: date | None, out: str | None, opens: bool, markdown: bool, show_pii: bool, **options: Any
) -> int:
    """Render a snapshot below ROOT, with the trend up to it, or a RUN, as one self-contained HTML page.

    A RUN is a folder, an id, or "last".
    """
    if opens and out is not None and "://" in out:
        raise Usage(f"--open shows a file on this machine, and {out} is an address", hint="Leave one of the two out.")
    write = None if out is None else output_writer(out)
    runs_in = work_dir_from(**options)
    if not names_run(what, runs_in):
        name, text = _of_snapshot(what, day, markdown=markdown, show_pii=show_pii)
    elif day is None:
        name, text = _of_run(what, runs_in, markdown=markdown, show_pii=show_pii)
    else:
        raise Usage(f"{what} is a run, and --date chooses a snapshot", hint="Leave --date out, or name a root.")
    if write is None and (opens or sys.stdout.isatty()):  # hundreds of lines of HTML are nothing to look at
        out = f"report-{name}.{'md' if markdown else 'html'}"
        write = output_writer(out)
    if write is None:
        command_line().keep_results()
        click.echo(text.encode())  # UTF-8, as the page itself says, whatever the terminal's encoding
        return ExitCode.DONE
    write(text.encode())
    command_line().print_message(f"Written to {out}")
    if opens and click.launch(str(out)) != 0:
        command_line().print_message(f"No browser could be started here; open {out} in one.", level="warning")
    return ExitCode.DONE


def _of_snapshot(root: str, day: date | None, *, markdown: bool, show_pii: bool) -> tuple[str, str]:
    """Return what the report is about, for the name of a file, and its text."""
    report = snapshot_report.make_report(root, day, show_pii=show_pii)
    render = snapshot_report.render_markdown if markdown else snapshot_report.render_html
    return str(report.manifest.snapshot_date), render(report)


def _of_run(name: str, work_dir: Path, *, markdown: bool, show_pii: bool) -> tuple[str, str]:
    """Return what the report is about, for the name of a file, and its text."""
    directory = find_run(name, work_dir)
    status = status_of(directory, work_dir)
    try:
        plan, _ = open_plan_of(directory)
    except BadInput as error:
        raise BadInput(
            f"run {directory.run_id}: its plan is no longer at {status.header.plan_dir}",
            hint=f"Put the plan back there. To see counts without the plan:  readstate status {directory.run_id}",
        ) from error
    with closing(open_read_only(directory.journal)) as journal:
        report = run_report.make_run_report(plan, journal, status, show_pii=show_pii)
    return directory.run_id, run_report.render_markdown(report) if markdown else run_report.render_html(report)
