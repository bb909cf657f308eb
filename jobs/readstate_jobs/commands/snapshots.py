"""Commands over snapshots: how they are typed, and their help."""

import click

from readstate_jobs.cli.options import (
    LocalPath,
    completeness_options,
    json_option,
    log_options,
    outcome_options,
    parse_day,
    parse_seconds,
    runs_options,
    unattended_options,
    users_option,
    work_options,
)
from readstate_jobs.help.command import GroupedCommand
from readstate_jobs.help.file_name import FileName


@click.command(cls=GroupedCommand, job="snapshots.export")
@click.option(
    "--out",
    "root",
    type=FileName(),
    required=True,
    metavar="ROOT",
    help="The root of the snapshots: a folder or a URI.",
)
@click.option(
    "--service", "services", multiple=True, metavar="all|default|IS…", help="Services to read. [default: all]"
)
@users_option
@click.option("--date", "day", type=parse_day, metavar="YYYY-MM-DD", help="The snapshot's date. [default: today, UTC]")
@click.option("--deadline", type=parse_seconds, metavar="TIME", help="Stop resumably after this long, such as 5h.")
@click.option("--grace", type=parse_seconds, default="20s", show_default=True, metavar="TIME",
              help="Time for users already being read to finish after a stop.")  # fmt: skip
@completeness_options
@click.option("--columns", metavar="A,B,…", help="Fill only these columns; the others are written empty.")
@click.option("--drop-pii", is_flag=True, help="Leave columns with personal data empty.")
@click.option("--limit-users", type=click.IntRange(min=1), metavar="N", help="Read at most N users, for a trial run.")
@click.option("--dry-run", is_flag=True, help="Only list the users and estimate the export.")
@click.option("--shard", metavar="I/N", help="Read and stage share I of N of the users: 1/4. Then: readstate publish.")
@click.option("--run", "run_id", metavar="ID", help="The common name of the shards of one run.")
@click.option("--delta", is_flag=True, help="Keep Delta tables too, over the same files.")
@click.option(
    "--compare-with",
    type=click.Choice(["previous"]),
    help="After publishing, show and store what changed since the snapshot before.",
)
@click.option("--again", is_flag=True, help="Replace a published snapshot of this date.")
@click.option("--restart", is_flag=True, help="Drop an unfinished export of this date and start over.")
@unattended_options
def export() -> None:
    """Export who has read what as a Parquet snapshot.

    An export that was stopped or killed resumes when the same command is run again.
    """


@click.command(cls=GroupedCommand, job="snapshots.publish")
@click.argument("root", type=FileName())
@click.option("--run", "run_id", required=True, metavar="ID", help="The name of the run, as given to its shards.")
@completeness_options
@click.option("--again", is_flag=True, help="Replace the snapshot of this date that another run has published.")
@click.option("--delta", is_flag=True, help="Keep Delta tables too, over the same files.")
@click.option("--keep-staging", is_flag=True, help="Keep the staged files of the shards.")
@json_option
@outcome_options
@work_options
def publish() -> None:
    """Publish the staged shards of a run below ROOT as one snapshot.

    No request is sent to Twilio, and publishing twice is harmless.
    Exit code 11: a shard is missing; the message names it.
    """


@click.command(cls=GroupedCommand, job="snapshots.list_snapshots")
@click.argument("root", type=FileName())
@click.option("--verify", is_flag=True, help="Read every file again and compare rows, bytes and hashes.")
@click.option("--keep", type=click.IntRange(min=1), metavar="N", help="Remove all but the newest N.")
@click.option("--keep-days", type=click.IntRange(min=1), metavar="D", help="Remove those older than D days.")
@click.option("--yes", is_flag=True, help="Remove without asking.")
@json_option
@outcome_options
@log_options
def snapshots() -> None:
    """List the snapshots below ROOT; verify or prune them.

    Exit code 3: --verify found a defect.
    """


@click.command(cls=GroupedCommand, job="snapshots.compare")
@click.argument("root", type=FileName())
@click.argument("earlier", metavar="[FROM]", required=False, type=parse_day)
@click.argument("later", metavar="[TO]", required=False, type=parse_day)
@click.option(
    "--out",
    metavar="FILE",
    type=LocalPath(dir_okay=False),
    help="Write every change to this Parquet file.",
)
@json_option
def compare() -> None:
    """Show what changed between the snapshots FROM and TO below ROOT.

    TO is the newest snapshot unless given; FROM is the one before TO.
    """


@click.command(cls=GroupedCommand, job="snapshots.sql")
@click.argument("root", type=FileName())
@click.argument("query", required=False)
@click.option("--date", "day", type=parse_day, metavar="YYYY-MM-DD", help="Query this snapshot. [default: the newest]")
@click.option(
    "--out",
    metavar="FILE",
    type=LocalPath(dir_okay=False),
    help="Write the rows to FILE: .csv, .json or .parquet.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Write the rows to stdout as CSV.")
@click.option("--raw", is_flag=True, help="In CSV, put no apostrophe before texts that a spreadsheet would compute.")
@click.option(
    "--timeout",
    type=parse_seconds,
    metavar="TIME",
    default="1h",
    show_default=True,
    help="End a query that takes longer, such as 90s.",
)
@json_option
def sql() -> None:
    """Run QUERY, in DuckDB's SQL, over the snapshots below ROOT; - reads it from stdin.

    Without a query, the views and their columns are shown. A query can read the views only.
    """


@click.command(cls=GroupedCommand, job="tools.report")
@click.argument("what", type=FileName(), metavar="ROOT|RUN")
@click.option("--date", "day", type=parse_day, metavar="YYYY-MM-DD", help="The snapshot to show. [default: the newest]")
@click.option(
    "--out",
    type=FileName(),
    metavar="FILE",
    help="The file to write: a path or a URI. [default: report-….html in this folder at a terminal, else stdout]",
)
@click.option(
    "--csv",
    type=FileName(),
    metavar="FILE",
    help="Also write the numbers of the charts to this file: a path or a URI.",
)
@click.option(
    "--all",
    "every",
    is_flag=True,
    help="Write the page and an index of all dates into a folder, which --out names by a path or a URI."
    " [default: ROOT]",
)
@click.option("--open", "opens", is_flag=True, help="Show the file in the browser.")
@click.option("--markdown", is_flag=True, help="Write Markdown, for a chat or a pull request, instead of HTML.")
@click.option("--show-pii", is_flag=True, help="Show names and identities too.")
@runs_options
@outcome_options
@log_options
def report() -> None:
    """Render a snapshot below ROOT, with the trend up to it, or a RUN, as one self-contained HTML page.

    A RUN is a folder, an id, or "last".
    """
