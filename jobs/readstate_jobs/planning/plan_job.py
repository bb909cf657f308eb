"""Make a plan from a changes file: for the command line and for schedulers."""

from pathlib import Path

import click
from msgspec import Struct

from readstate.changes.current_state.target import TargetInfo
from readstate.changes.planning.gather import read_current
from readstate.changes.planning.make_plan import Provenance, write_plan
from readstate.changes.planning.options import PlanOptions
from readstate.changes.plans.reader import Plan
from readstate.changes.plans.writer import REJECTS, PlanWriter
from readstate.changes.render.html import render_html
from readstate.changes.render.json_document import plan_document, render_json
from readstate.changes.render.markdown import render_markdown
from readstate.changes.render.summary import Summary, sample, summarize
from readstate.changes.render.text import render_text
from readstate.clock import SystemClock
from readstate.disk.files import copy_private, create_private_folder, write_private
from readstate.errors import BadInput, ReadstateError
from readstate.model.plan import InputFacts
from readstate.settings.credentials import Credentials
from readstate.settings.settings import Settings
from readstate.stop import StopSwitch
from readstate.text import as_unicode, pluralize
from readstate_jobs.cli.caller import provenance
from readstate_jobs.cli.event_loop import run_cancellable
from readstate_jobs.cli.session import open_session
from readstate_jobs.output.messages import next_line
from readstate_jobs.output.terminal import print_json, print_line, print_plan
from readstate_jobs.planning.changes_input import CheckedFile, Problems, print_problems, problem_fields


class Rejected(Problems, tag="rejected/1"):
    """Of ``plan`` where lines cannot be used."""

    rejects: str


class PlanJob(Struct, frozen=True):
    """Makes one plan from a changes file."""

    settings: Settings
    credentials: Credentials
    service: str | None
    options: PlanOptions
    root: Path

    def plan(self, checked: CheckedFile) -> Summary:
        """Read what the lines of *checked* need, write the plan with all of its renderings, and return its summary."""
        with PlanWriter(self.root) as writer:
            target_info, requests = run_cancellable(lambda stop: self._read(checked, stop))
            checked.report.flush()
            copy_private(checked.rejects, writer.directory / REJECTS)
            plan = write_plan(
                checked.workspace,
                self.options,
                target_info,
                writer,
                provenance=self._provenance(checked),
                now=SystemClock().now(),
                requests=requests,
            )
        return write_summaries(plan)

    async def _read(self, checked: CheckedFile, stop: StopSwitch) -> tuple[TargetInfo, int]:
        async with open_session(self.settings, self.credentials, command="plan") as session:
            target_info = await session.find_target(self.service)
            context = session.read_context(target_info.target.service_sid, stop)
            requests = await read_current(checked.workspace, self.options, context, checked.report)
            session.succeeded()
            return target_info, target_info.requests + requests

    def _provenance(self, checked: CheckedFile) -> Provenance:
        staged, source = checked.staged, checked.source
        assert staged is not None
        return provenance(
            self.credentials,
            via="csv",
            input_facts=InputFacts(
                name=as_unicode(source.name),
                size=source.size,
                sha256=source.sha256,
                encoding=staged.format.encoding,
                delimiter=staged.format.delimiter,
                header=staged.format.header,
                rows=staged.rows,
                rejected_rows=staged.rejected,
                warnings=checked.problems.warnings,
            ),
        )


def write_summaries(plan: Plan) -> Summary:
    """Write the renderings of *plan* beside its rows, and return what they show."""
    summary = summarize(plan, sample(plan))
    for name, render in (
        ("summary.txt", render_text),
        ("summary.md", render_markdown),
        ("summary.json", render_json),
        ("summary.html", render_html),
    ):
        write_private(plan.directory / name, render(summary).encode("utf-8"))
    return summary


def show_plan(summary: Summary, *, as_json: bool) -> None:
    """Print what was planned, and what to type next."""
    if as_json:
        print_json(plan_document(summary))
        return
    print_plan(render_text(summary))
    click.echo()
    print_line(f"All rows:  {summary.plan.directory / 'summary.html'}")
    needs = " ".join(guard.needs for guard in summary.guards if guard.needs)
    if summary.count("update") or summary.count("delete"):
        print_line(f"To apply:  {next_line('apply', str(summary.plan.directory))} {needs}".rstrip())


def reject(checked: CheckedFile, root: Path, *, as_json: bool) -> ReadstateError:
    """Print the problems of a file, keep the list of all of them, and return the error to raise."""
    checked.report.flush()
    create_private_folder(root)
    kept = copy_private(checked.rejects, root / f"{Path(checked.source.name).name}.{REJECTS}")
    if as_json:
        print_json(Rejected(**problem_fields(checked.problems), rejects=str(kept)))
    else:
        print_problems(checked.problems)
    return BadInput(
        f"{checked.source.name}: {pluralize(checked.problems.errors, 'error')}; nothing was planned",
        hint=f"All of them, line by line: {kept}\nTo plan the other lines without them: --on-invalid skip",
    )
