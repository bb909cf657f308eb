"""``readstate doctor``: check that an export could run, and print what to fix."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from msgspec import Struct
from msgspec.structs import replace

from readstate.clock import SystemClock
from readstate.disk.files import create_private_folder, require_unshared, scratch_folder
from readstate.errors import (
    ApiError,
    ExitCode,
    LocalDisk,
    ReadstateError,
    Refused,
    Stopped,
    StoppedEarly,
    TransportError,
)
from readstate.observers.run_counters import RunCounters
from readstate.settings.credentials import Credentials
from readstate.settings.settings import Settings
from readstate.text import escape_control, format_duration, format_size, pluralize, short_sid
from readstate.twilio.connect import connection, describe_route
from readstate.twilio.http.request import fetch_configuration
from readstate_jobs.cli.account import credentials_of
from readstate_jobs.cli.event_loop import run_cancellable
from readstate_jobs.cli.options import settings_from
from readstate_jobs.output.terminal import Document, print_json

LONGEST_SECONDS = 20.0
"""The account has to answer within this time: a check is waited for by a person."""

_MIN_FREE_BYTES = 1 << 30
_MAX_CLOCK_SKEW_SECONDS = 60.0


class Check(Struct, frozen=True):
    """The result of one check."""

    subject: str
    good: bool
    text: str
    hint: str | None


class Doctor(Document, tag="doctor/1"):
    """Of ``doctor``."""

    good: bool
    findings: list[Check]


def passed(subject: str, text: str) -> Check:
    """Return a check that needs no action."""
    return Check(subject, good=True, text=text, hint=None)


def failed(subject: str, text: str, hint: str | None) -> Check:
    """Return a check that needs action: the *hint*."""
    return Check(subject, good=False, text=text, hint=hint)


def carry_out(*, root: str | None, as_json: bool, **options: Any) -> int:
    """Carry out ``readstate doctor`` and return its exit code."""
    findings: list[Check] = []
    code = ExitCode.DONE

    def add(finding: Check) -> None:
        findings.append(finding)
        if not as_json:
            _show(finding)

    with _as_finding("settings", add):
        effective = settings_from(options)
        changed = {origin for origin in effective.origins.values() if origin != "default"}
        add(passed("settings", f"from {', '.join(sorted(changed))}" if changed else "all at their defaults"))
        if effective.account.profile:
            add(passed("profile", effective.account.profile))
        add(passed("address", f"{effective.settings.base_url} ({effective.origins['base_url']})"))
        for finding in _check_disk(Path(effective.settings.work_dir)):
            add(finding)
        add(_check_scratch())
        if root is not None:
            add(_check_root(root))
        with _as_finding("transport", add):
            add(passed("transport", describe_route(effective.settings)))
        with _as_finding("credentials", add):
            credentials = credentials_of(effective)
            run_cancellable(lambda _stop: _check_twilio(effective.settings, credentials, add))
    bad = [finding for finding in findings if not finding.good]
    if bad:
        code = ExitCode.NOT_PERMITTED if any(f.subject == "credentials" for f in bad) else ExitCode.SOME_FAILED
    if as_json:
        print_json(Doctor(good=not bad, findings=findings))
    return code


@contextmanager
def _as_finding(subject: str, add: Callable[[Check], None]) -> Iterator[None]:
    """Turn a `ReadstateError` of the block into a finding about *subject*."""
    try:
        yield
    except Stopped:
        raise
    except ReadstateError as error:
        add(failed(subject, error.message, error.hint))


def _check_disk(work_dir: Path) -> Iterator[Check]:
    try:
        require_unshared(work_dir)
        create_private_folder(work_dir)
        probe = work_dir / ".writable"
        probe.write_bytes(b"")
        probe.unlink()
    except LocalDisk as error:
        yield failed("work folder", error.message, error.hint)
        return
    except OSError as error:
        yield failed(
            "work folder", f"{work_dir}: {error.strerror}", "Name a folder that you can write to: --work-dir DIR"
        )
        return
    free = shutil.disk_usage(work_dir).free
    text = f"{work_dir}, {format_size(free)} free"
    if free >= _MIN_FREE_BYTES:
        yield passed("work folder", text)
    else:
        yield failed("work folder", text, "A million rows take about 300 MB here while they are read: --work-dir DIR")


def _check_scratch() -> Check:
    try:
        with scratch_folder() as folder:
            return passed("temporary", f"files can be written in {folder.parent}")
    except LocalDisk as error:
        return failed("temporary", error.message, error.hint)


def _check_root(root: str) -> Check:
    from readstate.snapshot.published.snapshot_store import open_store  # noqa: PLC0415 - pyarrow, for roots alone

    try:
        store = open_store(root)
        store.objects.require_writable()
        known = store.dates()
        apart = store.supports_conditional_put()
    except ReadstateError as error:
        return failed("root", error.message, error.hint)
    if not apart:
        return failed(
            "root",
            f"{root} can be written, but ignores conditions: when two processes publish at once, the last one wins",
            "Run one publishing job at a time, or use a newer release of the store.",
        )
    newest = f", newest {known[-1]}" if known else ""
    return passed("root", f"{root} can be written; {pluralize(len(known), 'snapshot')}{newest}")


async def _check_twilio(settings: Settings, credentials: Credentials, add: Callable[[Check], None]) -> None:
    # A check must not wait for minutes: report what fails three times.
    impatient = replace(settings, max_attempts=3)
    counters = RunCounters()
    async with connection(impatient, credentials, clock=SystemClock(), emit=counters.observe) as twilio:
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                await _check_account(twilio, credentials, add)
        except TimeoutError:
            add(_too_slow(counters))
        except Refused as error:
            add(failed("credentials", error.message, _hint_for(error)))
        except (TransportError, ApiError, StoppedEarly) as error:
            add(failed("connection", error.message, error.hint or "Check status.twilio.com and try again."))


def _too_slow(counters: RunCounters) -> Check:
    refused = f": {pluralize(counters.throttled, 'request')} refused with 429" if counters.throttled else ""
    return failed(
        "connection",
        f"the account did not answer all questions within {format_duration(LONGEST_SECONDS)}{refused}",
        "Other traffic of the account uses up its limits: try again later, or pause what else reads it."
        if counters.throttled
        else "Check status.twilio.com and the network or proxy in between, then try again.",
    )


async def _check_account(twilio: Any, credentials: Credentials, add: Callable[[Check], None]) -> None:
    reader = twilio.reader()
    answer = await twilio.transport.send(fetch_configuration())
    configuration = await reader.configuration()
    account = short_sid(configuration.account_sid or "(unnamed)")
    add(passed("credentials", f"{credentials.masked()} may read account {account}; secret from {credentials.origin}"))
    if answer.server_time is not None:
        skew = (datetime.now(UTC) - answer.server_time).total_seconds()
        good = abs(skew) <= _MAX_CLOCK_SKEW_SECONDS
        text = f"{skew:+.0f} s against the server"
        add(passed("clock", text) if good else failed("clock", text, "Set the clock: timedatectl"))
    services = await reader.services()
    for service in services:
        default = " (default)" if service.sid == configuration.default_chat_service_sid else ""
        add(passed("service", f"{service.sid} {service.friendly_name or ''}{default}"))
    if not services:
        add(failed("service", "the account has none", "Is this the right account and region?"))
    else:
        async for page in reader.users(services[0].sid):
            add(passed("permission", f"users of {services[0].sid} can be listed: {len(page.users)} on a page"))
            break


def _hint_for(refusal: Refused) -> str:
    if refusal.status == 401:
        return (
            "Twilio does not know this pair. Compare it with the Console: TWILIO_API_KEY with TWILIO_API_SECRET, or\n"
            "TWILIO_ACCOUNT_SID with TWILIO_AUTH_TOKEN. A key is valid in one region only (TWILIO_REGION)."
        )
    return "Allow the key to read Conversations, in the Twilio Console under API keys."


def _show(finding: Check) -> None:
    mark = click.style("✓", fg="green") if finding.good else click.style("✗", fg="red", bold=True)
    click.echo(f"{mark} {finding.subject:<12} {escape_control(finding.text)}")
    if finding.hint and not finding.good:
        for line in finding.hint.splitlines():
            click.echo(f"  {'':<12} → {escape_control(line)}")
