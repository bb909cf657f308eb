"""``readstate report``: a snapshot or a run as one page."""

import sys
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from readstate.changes.review import report as run_report
from readstate.changes.runs.directory import find_run, names_run, open_plan_of
from readstate.changes.runs.journal import open_read_only
from readstate.changes.runs.status import status_of
from readstate.errors import BadInput, ExitCode, Usage
from readstate.snapshot.report import report as snapshot_report
from readstate.snapshot.report.pages import INDEX, write_pages
from readstate.snapshot.storage.output_file import output_writer
from readstate_jobs.cli.options import work_dir_from
from readstate_jobs.output.messages import command_line


def carry_out(
    *,
    what: str,
    day: date | None,
    out: str | None,
    csv: str | None,
    every: bool,
    opens: bool,
    markdown: bool,
    show_pii: bool,
    **options: Any,
) -> int:
    """Carry out ``readstate report`` and return its exit code."""
    if opens and out is not None and "://" in out:
        raise Usage(f"--open shows a file on this machine, and {out} is an address", hint="Leave one of the two out.")
    runs_in = work_dir_from(**options)
    is_run = names_run(what, runs_in)
    if is_run and (day is not None or every):
        raise Usage(
            f"{what} is a run, and --date and --all are about snapshots",
            hint="Leave --date and --all out, or name a root.",
        )
    if every:
        return _write_index(what, day, out, csv, opens=opens, markdown=markdown, show_pii=show_pii)
    if out is not None and Path(out).is_dir():
        raise Usage(f"--out {out}: is a folder", hint="Name a file in it, or write an index of all dates with --all.")
    write = None if out is None else output_writer(out)
    write_csv = None if csv is None else output_writer(csv)
    if is_run:
        page = _of_run(what, runs_in, markdown=markdown, show_pii=show_pii)
    else:
        page = _of_snapshot(what, day, markdown=markdown, show_pii=show_pii)
    if write_csv is not None:
        write_csv(page.csv().encode())
        command_line().print_message(f"Written to {csv}")
    if write is None and (opens or sys.stdout.isatty()):  # hundreds of lines of HTML are nothing to look at
        out = f"report-{page.name}.{'md' if markdown else 'html'}"
        write = output_writer(out)
    if write is None:
        command_line().keep_results()
        click.echo(page.text.encode())  # UTF-8, as the page itself says, whatever the terminal's encoding
        return ExitCode.DONE
    write(page.text.encode())
    _say_written(str(out), opens=opens)
    return ExitCode.DONE


class _Page(Struct, frozen=True):
    name: str
    """What it is about, for the name of a file."""
    text: str
    csv: Callable[[], str]


def _write_index(
    root: str, day: date | None, out: str | None, csv: str | None, *, opens: bool, markdown: bool, show_pii: bool
) -> int:
    if markdown or csv is not None:
        raise Usage("--all writes HTML, with the numbers as CSV beside it", hint="Leave --markdown and --csv out.")
    folder = (root if out is None else out).rstrip("/") or "/"
    write_pages(root, day, folder, show_pii=show_pii)
    _say_written(f"{folder}/{INDEX}", opens=opens)
    return ExitCode.DONE


def _say_written(out: str, *, opens: bool) -> None:
    command_line().print_message(f"Written to {out}")
    if opens and click.launch(out) != 0:
        command_line().print_message(f"No browser could be started here; open {out} in one.", level="warning")


def _of_snapshot(root: str, day: date | None, *, markdown: bool, show_pii: bool) -> _Page:
    report = snapshot_report.make_report(root, day, show_pii=show_pii)
    render = snapshot_report.render_markdown if markdown else snapshot_report.render_html
    day = report.manifest.snapshot_date
    return _Page(str(day), render(report), lambda: snapshot_report.render_report_csv(report))


def _of_run(name: str, work_dir: Path, *, markdown: bool, show_pii: bool) -> _Page:
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
    render = run_report.render_markdown if markdown else run_report.render_html
    return _Page(directory.run_id, render(report), lambda: run_report.render_report_csv(report))
