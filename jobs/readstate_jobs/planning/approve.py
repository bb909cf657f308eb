"""``readstate approve``: say that a plan was read and may be carried out; for a second person."""

from pathlib import Path

import click

from readstate.errors import ExitCode
from readstate_jobs.cli.messages import command_line
from readstate_jobs.cli.options import json_option, plan_argument


@click.command()
@plan_argument
@click.option("--reason", metavar="TEXT", help="Why, or where it was decided: a ticket's number.")
@json_option
def command(*, plan: str, reason: str | None, root: Path, as_json: bool) -> int:
    """Approve PLAN, a plan's folder or its id, after every row was checked against its digests. Nothing is sent.

    The approval lies beside the plan and is bound to it: should the plan change, it is lost.
    """
    import msgspec

    from readstate.changes.plans.reader import find_plan
    from readstate.changes.render.summary import sample, summarize
    from readstate.changes.render.text import render_text
    from readstate_jobs.cli.terminal import print_json, printable_lines
    from readstate_jobs.planning.approve_job import approve

    given = approve(find_plan(plan, root), reason=reason)
    approved, approval = given.plan, given.approval
    if as_json:
        print_json(
            {"plan_dir": str(approved.directory), "file": str(given.file), "by_another": given.by_another}
            | msgspec.to_builtins(approval)
        )
        return ExitCode.DONE
    click.echo(render_text(summarize(approved, sample(approved))), nl=False)
    click.echo(printable_lines(f"\nApproved by {approval.os_user} on {approval.host}: {given.file}"))
    if not given.by_another:
        command_line().tell("You made this plan yourself: where approval is required, another person has to give it.")
    return ExitCode.DONE
