"""``readstate doctor``: is everything ready for an export? If not, what to do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from readstate.errors import ApiError, ExitCode, ReadstateError, Refused, Stopped, StoppedEarly, TransportError
from readstate_jobs.cli.options import connection_options, json_option, settings_from

_LEAST_FREE_BYTES = 1 << 30
_MOST_CLOCK_SKEW_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer to one question."""

    subject: str
    good: bool
    text: str
    hint: str | None = None


def fine(subject: str, text: str) -> Finding:
    """Nothing to do."""
    return Finding(subject, good=True, text=text)


def wrong(subject: str, text: str, hint: str | None) -> Finding:
    """Something to do, which the *hint* says."""
    return Finding(subject, good=False, text=text, hint=hint)


@click.command()
@click.option("--out", "root", metavar="ROOT", help="Check too that snapshots can be published here.")
@json_option
@connection_options
def command(*, root: str | None, as_json: bool, **options: Any) -> int:
    """Check settings, credentials, clock, permissions, services, disk and root; say what to do.

    Exit code 3 where something is wrong, 14 where it is the credentials.
    """
    from readstate_jobs.cli.event_loop import run_cancellable

    findings: list[Finding] = []
    code = ExitCode.DONE

    def note(finding: Finding) -> None:
        findings.append(finding)
        if not as_json:
            _show(finding)

    with _noting("settings", note):
        effective = settings_from(options)
        changed = {origin for origin in effective.origins.values() if origin != "default"}
        note(fine("settings", f"from {', '.join(sorted(changed))}" if changed else "all at their defaults"))
        note(fine("address", f"{effective.settings.base_url} ({effective.origins['base_url']})"))
        for finding in _check_disk(Path(effective.settings.work_dir)):
            note(finding)
        if root is not None:
            note(_check_root(root))
        run_cancellable(lambda _stop: _check_twilio(effective.settings, note))
    bad = [finding for finding in findings if not finding.good]
    if bad:
        code = ExitCode.NOT_PERMITTED if any(f.subject == "credentials" for f in bad) else ExitCode.SOME_FAILED
    if as_json:
        from readstate_jobs.cli.terminal import print_json

        print_json(
            {
                "good": not bad,
                "findings": [{"subject": f.subject, "good": f.good, "text": f.text, "hint": f.hint} for f in findings],
            }
        )
    return code


@contextmanager
def _noting(subject: str, note: Callable[[Finding], None]) -> Iterator[None]:
    """Turn a deliberate error into a finding about *subject*."""
    try:
        yield
    except Stopped:
        raise
    except ReadstateError as error:
        note(wrong(subject, error.message, error.hint))


def _check_disk(work_dir: Path) -> Iterator[Finding]:
    import shutil

    from readstate.text import format_size

    try:
        work_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = work_dir / ".writable"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        yield wrong("work folder", f"{work_dir}: {error.strerror}", "Give a folder of your own: --work-dir DIR")
        return
    free = shutil.disk_usage(work_dir).free
    text = f"{work_dir}, {format_size(free)} free"
    if free >= _LEAST_FREE_BYTES:
        yield fine("work folder", text)
    else:
        yield wrong("work folder", text, "A million rows take about 300 MB here while they are read: --work-dir DIR")


def _check_root(root: str) -> Finding:
    from readstate.snapshot.published.snapshot_store import open_store
    from readstate.text import pluralize

    try:
        store = open_store(root)
        store.objects.require_writable()
        known = store.dates()
        apart = store.supports_conditional_put()
    except ReadstateError as error:
        return wrong("root", error.message, error.hint)
    if not apart:
        return wrong(
            "root",
            f"{root} can be written, but ignores conditions: of two publishers at once the last one wins",
            "Let one job at a time publish here, or use a newer release of the store.",
        )
    newest = f", newest {known[-1]}" if known else ""
    return fine("root", f"{root} can be written; {pluralize(len(known), 'snapshot')}{newest}")


async def _check_twilio(settings: Any, note: Callable[[Finding], None]) -> None:
    from msgspec.structs import replace

    from readstate.clock import SystemClock
    from readstate.credentials import load_credentials
    from readstate.twilio.connect import connection

    with _noting("credentials", note):
        credentials = load_credentials()
        # A doctor who waits for minutes is no help: what fails three times is told.
        impatient = replace(settings, max_attempts=3)
        async with connection(impatient, credentials, clock=SystemClock()) as twilio:
            try:
                await _check_account(twilio, credentials, note)
            except Refused as error:
                note(wrong("credentials", error.message, _what_to_do_about(error)))
            except (TransportError, ApiError, StoppedEarly) as error:
                note(wrong("connection", error.message, error.hint or "Look at status.twilio.com, and try again."))


async def _check_account(twilio: Any, credentials: Any, note: Callable[[Finding], None]) -> None:
    from datetime import UTC, datetime

    from readstate.text import short_sid
    from readstate.twilio.http.request import fetch_configuration

    reader = twilio.reader()
    answer = await twilio.transport.send(fetch_configuration())
    configuration = await reader.configuration()
    account = short_sid(configuration.account_sid or "(unnamed)")
    note(fine("credentials", f"{credentials.masked()} may read account {account}"))
    if answer.server_time is not None:
        skew = (datetime.now(UTC) - answer.server_time).total_seconds()
        good = abs(skew) <= _MOST_CLOCK_SKEW_SECONDS
        text = f"{skew:+.0f} s against the server"
        note(fine("clock", text) if good else wrong("clock", text, "Set the clock: timedatectl"))
    services = await reader.services()
    for service in services:
        default = " (default)" if service.sid == configuration.default_chat_service_sid else ""
        note(fine("service", f"{service.sid} {service.friendly_name or ''}{default}"))
    if not services:
        note(wrong("service", "the account has none", "Is this the right account and region?"))
    else:
        async for page in reader.users(services[0].sid):
            note(fine("permission", f"users of {services[0].sid} can be listed: {len(page.users)} on a page"))
            break


def _what_to_do_about(refusal: Refused) -> str:
    if refusal.status == 401:
        return (
            "Twilio does not know this pair. Compare it with the Console: TWILIO_API_KEY with TWILIO_API_SECRET, or\n"
            "TWILIO_ACCOUNT_SID with TWILIO_AUTH_TOKEN. A key is good in one region only (TWILIO_REGION)."
        )
    return "Give the key the permission to read Conversations, in the Console under API keys."


def _show(finding: Finding) -> None:
    from readstate.text import escape_control

    mark = click.style("✓", fg="green") if finding.good else click.style("✗", fg="red", bold=True)
    click.echo(f"{mark} {finding.subject:<12} {escape_control(finding.text)}")
    if finding.hint and not finding.good:
        for line in finding.hint.splitlines():
            click.echo(f"  {'':<12} → {escape_control(line)}")
