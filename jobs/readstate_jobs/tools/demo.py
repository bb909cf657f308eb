"""``readstate demo``: a real export from a simulated Twilio."""

import os
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from readstate.credentials import Credentials
from readstate.errors import ExitCode
from readstate.settings import load_settings
from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import running
from readstate.simulator.world.world import World
from readstate.snapshot.published.snapshot_store import open_store
from readstate.snapshot.roster.selection import RosterSelection
from readstate_jobs.cli.terminal import print_line
from readstate_jobs.help.command import GroupedCommand
from readstate_jobs.help.file_name import FileName
from readstate_jobs.snapshots.export_job import ExportJob, export_options
from readstate_jobs.snapshots.export_output import show_manifest


@click.command(cls=GroupedCommand)
@click.option(
    "--out", "root", type=FileName(), default="demo-output", show_default=True, help="The root of the demo's snapshot."
)
@click.option("--users", type=click.IntRange(min=1), default=2_000, show_default=True, help="Users of the demo world.")
@click.option("--seed", type=int, default=7, show_default=True, help="The seed of the demo world.")
def command(*, root: str, users: int, seed: int) -> int:
    """Export from a Twilio simulated inside the demo: two services, odd identities, vanishing users, throttling."""
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
        click.echo(
            f"A simulated Twilio listens on {twilio.base_url}: {users} users, two services, at most 40 concurrent"
            " requests, shared with other traffic.",
            err=True,
        )
        account = twilio.credentials
        settings = load_settings(
            flags={"base_url": twilio.base_url, "work_dir": str(Path(root) / ".work")}, environ={}
        ).settings
        store, day = open_store(root), datetime.now(UTC).date()
        credentials = Credentials(account.account_sid, account.account_sid, account.auth_token)
        options = export_options(settings, day, RosterSelection(), replaces=store.current(day))
        manifest = ExportJob(settings, credentials, store, options).export(restart=True)
    shutil.rmtree(Path(root) / ".work", ignore_errors=True)
    show_manifest(manifest, root=root, changes=None, as_json=False)
    _show_next(root)
    return ExitCode.DONE if manifest.complete else ExitCode.SOME_FAILED


def _show_next(root: str) -> None:
    readstate, python = _typed("readstate"), _typed("python")
    click.echo("\nNext, try:")
    print_line(f"  {readstate} snapshots {root} --verify")
    click.echo(
        f"  {python} -c \"from readstate import open_snapshot; print(open_snapshot('{root}').to_pandas()"
        "[['identity', 'unread_messages_count']].nlargest(5, 'unread_messages_count'))\""
    )
    click.echo(
        f"  {readstate} simulate --users 2000      # then, in another terminal, export from the address that it prints"
    )


def _typed(program: str) -> str:
    """Return how to type *program* of this environment: its name where the PATH finds it, otherwise its path."""
    here = Path(sys.executable).parent / program
    found = shutil.which(program)
    if found is not None and Path(found).samefile(here):
        return program
    return os.path.relpath(here) if here.is_relative_to(Path.cwd()) else str(here)
