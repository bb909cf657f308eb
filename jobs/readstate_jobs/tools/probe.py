"""``readstate probe``: ask an account, with GETs alone, where it is not as we assume."""

import sys
from typing import Any

import click
import msgspec

from readstate.clock import SystemClock
from readstate.errors import ConsentMissing, ExitCode, TransportError
from readstate.probe.finding import Finding
from readstate.probe.questions import PLAN, Answers, ask_account
from readstate.probe.report import ProbeReport, decide
from readstate.settings.credentials import Credentials
from readstate.settings.settings import Settings
from readstate.snapshot.storage.output_file import output_writer
from readstate.text import pluralize
from readstate.twilio.connect import open_transport, transport_name
from readstate.twilio.http.request import fetch_configuration
from readstate_jobs.cli.account import credentials_of
from readstate_jobs.cli.event_loop import run_cancellable
from readstate_jobs.cli.options import require_service_sid, settings_from
from readstate_jobs.output.messages import command_line
from readstate_jobs.output.terminal import Document, print_json, print_line, print_table


class Probe(Document, tag="probe/1"):
    """Of ``probe``."""

    findings: list[Finding]
    account: dict[str, Any]
    """What ``simulate --like`` reads."""
    requests: int
    ended_by: str | None


def carry_out(*, out: str, service: str | None, yes: bool, as_json: bool, **options: Any) -> int:
    """Carry out ``readstate probe`` and return its exit code."""
    effective = settings_from(options)
    settings = effective.settings
    require_service_sid(service)
    credentials = credentials_of(effective)
    write = output_writer(out)
    _require_yes(yes=yes)
    answers, http_version = run_cancellable(lambda _stop: _ask(settings, credentials, service))
    report = decide(answers.exchanges, ended_by=answers.ended_by, http_version=http_version)
    write(report.as_json())
    if as_json:
        print_json(msgspec.convert(msgspec.to_builtins(report), Probe))
    else:
        _show(report, out)
    return _exit_code(answers, report)


def _require_yes(*, yes: bool) -> None:
    click.echo("GET requests for these questions, until the first 429:", err=True)
    for text, most in PLAN:
        click.echo(f"  {most:>3}  {text}", err=True)
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ConsentMissing(
            "there is no terminal to confirm on; nothing was sent",
            hint="To send the requests without asking, add --yes.",
        )
    if not click.confirm(f"Send up to {sum(most for _, most in PLAN)} GET requests to the account?", err=True):
        raise ConsentMissing("not confirmed; nothing was sent")


async def _ask(settings: Settings, credentials: Credentials, service: str | None) -> tuple[Answers, str]:
    async with open_transport(settings, credentials) as transport:
        answers = await ask_account(transport.send, SystemClock(), origin=settings.base_url, service=service)
    if answers.ended_by is not None:
        return answers, "not asked: the questions ended early"
    return answers, await _http_version(settings, credentials)


async def _http_version(settings: Settings, credentials: Credentials) -> str:
    if not settings.base_url.startswith("https:"):
        return "not asked: there is no TLS to choose it by"
    if transport_name(settings) != "curl":
        return "not asked: aiohttp speaks HTTP/1.1 alone; pip install 'readstate[fast]'"
    from readstate.twilio.transport.http_version import chosen_http_version  # noqa: PLC0415 - optional

    try:
        return await chosen_http_version(settings, credentials, fetch_configuration())
    except TransportError as error:
        return f"no answer: {error.message}"


def _show(report: ProbeReport, out: str) -> None:
    rows = [(found.subject, found.assumed, found.seen, found.verdict) for found in report.findings]
    print_table(rows, header=("asked", "assumed", "seen", "what it means"))
    count = len(report.contradictions)
    click.echo(err=True)
    print_line(
        f"{pluralize(report.requests, 'request')}, {pluralize(count, 'difference')}. Written to {out}:"
        f" readstate simulate --like {out}",
        err=True,
    )
    if report.ended_by is not None:
        command_line().print_message(f"The questions ended early: {report.ended_by}.", level="warning")


def _exit_code(answers: Answers, report: ProbeReport) -> ExitCode:
    if any(exchange.status == 401 for exchange in answers.exchanges):
        return ExitCode.NOT_PERMITTED
    if report.contradictions:
        return ExitCode.SOME_FAILED
    return ExitCode.DONE if report.ended_by is None else ExitCode.STOPPED_EARLY
