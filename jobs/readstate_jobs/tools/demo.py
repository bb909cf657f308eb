"""``readstate demo``: a real export from a simulated Twilio."""

import os
import shlex
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from readstate.errors import ExitCode
from readstate.settings.credentials import Credentials
from readstate.settings.settings import load_settings
from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import running
from readstate.simulator.world.world import World
from readstate.snapshot.published.snapshot_store import open_store
from readstate.snapshot.roster.selection import RosterSelection
from readstate.text import group_digits
from readstate_jobs.output.terminal import print_line
from readstate_jobs.snapshots.export_job import ExportJob, export_options
from readstate_jobs.snapshots.export_output import show_export

_MOST_UNREAD = (
    "select identity, sum(unread_messages_count) as unread from user_conversations group by 1"
    " order by 2 desc nulls last limit 5"
)


def carry_out(*, root: str, users: int, seed: int) -> int:
    """Carry out ``readstate demo`` and return its exit code."""
    _say(f"Making a world of {group_digits(users)} users in two services, and a Twilio that serves it ...")
    world = World(WorldShape(users=users, services=2, seed=seed, odd_identities=0.05))
    faults = Faults(
        concurrency_cap=40,
        latency_ms=30,
        latency_sigma=0.4,
        background_requests_per_second=150,
        error_share=0.005,
        vanished_users_share=0.003,
    )
    with running(world, faults=faults) as twilio:
        _say(f"A simulated Twilio listens on {twilio.base_url}: 40 requests at once, 30 ms")
        _say("each, other traffic, a failure now and then, and users that vanish meanwhile.")
        _say(f"Exporting who has read what, by: readstate export --out {root}")
        account = twilio.credentials
        settings = load_settings(
            flags={"base_url": twilio.base_url, "work_dir": str(Path(root) / ".work")}, environ={}
        ).settings
        store, day = open_store(root), datetime.now(UTC).date()
        credentials = Credentials(account.account_sid, account.account_sid, account.auth_token)
        options = export_options(settings, day, RosterSelection(), replaces=store.current(day))
        manifest = ExportJob(settings, credentials, store, options).export(restart=True)
    shutil.rmtree(Path(root) / ".work", ignore_errors=True)
    show_export(manifest, root=root, changes=None, already_published=False, as_json=False)
    _show_next(root)
    return ExitCode.DONE if manifest.complete else ExitCode.SOME_FAILED


def _show_next(root: str) -> None:
    readstate = _typed("readstate")
    click.echo("\nNext, try:")
    for words in (("report", root), ("sql", root, _MOST_UNREAD), ("snapshots", root, "--verify")):
        print_line(f"  {readstate} {shlex.join(words)}")
    click.echo("The tour in README.md goes on from here: changing what is read, in bulk.")


def _say(text: str) -> None:
    print_line(text, err=True)


def _typed(program: str) -> str:
    """Return how to type *program* of this environment: its name where the PATH finds it, otherwise its path."""
    here = Path(sys.executable).parent / program
    found = shutil.which(program)
    if found is not None and Path(found).samefile(here):
        return program
    return os.path.relpath(here) if here.is_relative_to(Path.cwd()) else str(here)
