"""Commands about the account and this installation: how they are typed, and their help."""

from pathlib import Path

import click

from readstate_jobs.cli.options import LocalPath, NumberRange, connection_options, json_option
from readstate_jobs.help.command import GroupedCommand
from readstate_jobs.help.file_name import FileName


@click.command(cls=GroupedCommand, job="tools.doctor")
@click.option("--out", "root", metavar="ROOT", help="Also check that snapshots can be published here.")
@json_option
@connection_options
def doctor() -> None:
    """Check settings, credentials, clock, permissions, services, disk and root, and print what to fix.

    Exit code 3: something is wrong. Exit code 14: the credentials are.
    """


@click.command(cls=GroupedCommand, job="tools.probe")
@click.option(
    "--out", type=FileName(), metavar="FILE", default="probe.json", show_default=True, help="The file to write."
)
@click.option("--service", metavar="IS…", help="Ask about this service. [default: the default one]")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@json_option
@connection_options
def probe() -> None:
    """Find out where the account differs from what readstate assumes, by GET requests alone.

    The file has no names and no SIDs and can be attached to a report. `readstate simulate --like FILE` then behaves
    like this account. Exit code 3: something is not as assumed. Exit code 14: the credentials are refused.
    """


@click.command(cls=GroupedCommand, job="tools.settings")
@json_option
@connection_options
def settings() -> None:
    """Show the effective settings and the origin of each; secrets are masked."""


@click.command(cls=GroupedCommand, job="tools.schema")
def schema() -> None:
    """Print one JSON Schema for all --json documents; the field `schema` of a document names its part and version.

    Its $defs also describe the manifest of a snapshot.
    """


@click.command(cls=GroupedCommand, job="tools.simulate")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, show_default="a free one", help="The port on loopback."
)
@click.option(
    "--tls", "certificate", type=LocalPath(), help="Serve https with the key and certificate in this PEM file."
)
@click.option("--users", type=click.IntRange(min=0), default=2_000, show_default=True, help="Users of all services.")
@click.option("--conversations-per-user", type=NumberRange(min=0), default=5.0, show_default=True,
              help="The mean; a few users have many more.")  # fmt: skip
@click.option("--heaviest", type=click.IntRange(min=0), help="Conversations of the busiest user.")
@click.option(
    "--services",
    "service_count",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="The number of services.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same world.")
@click.option(
    "--odd-identities", type=NumberRange(0, 1), default=0.05, show_default=True, metavar="SHARE",
    help="Share of users with slashes, blanks, emoji or control characters in their identity.",
)  # fmt: skip
@click.option("--world", "world_file", type=click.Path(path_type=Path), help="Load the world from this file instead.")
@click.option("--like", type=click.Path(path_type=Path),
              help="Behave as this JSON file says, except for --fault and --behaviour.")  # fmt: skip
@click.option("--dump", "dump_file", type=LocalPath(), help="Write the world to this file at the end.")
@click.option("--prerender", is_flag=True, help="Render every user's list before the first request; for benchmarks.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="NAME=VALUE",
    help="A fault to inject, such as latency_ms=120; may be repeated.",
)
@click.option(
    "--behaviour",
    "behaviours",
    multiple=True,
    metavar="NAME=VALUE",
    help="Undocumented behaviour, such as user_conversations.order=updated; may be repeated.",
)
def simulate() -> None:
    """Serve a simulated Twilio Conversations on loopback until Ctrl-C or SIGTERM.

    As soon as it listens, the base URL is printed on stdout, and the variables to export on stderr. Faults can be
    changed while it runs: see /_simulator/faults and the simulator's README.
    """


@click.command(cls=GroupedCommand, job="tools.demo")
@click.option(
    "--out", "root", type=FileName(), default="demo-output", show_default=True, help="The root of the demo's snapshot."
)
@click.option("--users", type=click.IntRange(min=1), default=2_000, show_default=True, help="Users of the demo world.")
@click.option("--seed", type=int, default=7, show_default=True, help="The seed of the demo world.")
def demo() -> None:
    """Export from a Twilio simulated inside the demo: two services, odd identities, vanishing users, throttling."""


@click.command(cls=GroupedCommand, job="help.completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion() -> None:
    """Print the script that completes commands, options and files in SHELL.

    In bash and zsh, let the shell's start-up file evaluate it; in fish, save it among the completions.
    """
