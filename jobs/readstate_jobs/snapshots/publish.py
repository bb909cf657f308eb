"""``readstate publish``: one snapshot of what the shards of a run have staged."""

from pathlib import Path
from typing import Any

import click

from readstate.errors import ExitCode
from readstate_jobs.cli.options import json_option, settings_from


@click.command()
@click.argument("root")
@click.option("--run", "run_id", required=True, metavar="ID", help="The run, as its shards were told it.")
@click.option("--max-failed-users", metavar="N|P%", help="How many users of all shards may fail. [default: 0.1%]")
@click.option("--on-incomplete", type=click.Choice(["publish", "refuse"]), help="What to do when more failed.")
@click.option("--again", is_flag=True, help="Replace the snapshot of this date that another run has published.")
@click.option("--format", "format_", type=click.Choice(["parquet", "delta"]),
              help="delta: keep Delta tables too, over the same files. [default: parquet]")  # fmt: skip
@click.option("--keep-staging", is_flag=True, help="Leave what the shards have staged.")
@click.option("--config", type=click.Path(path_type=Path), help="A TOML file of settings.")
@click.option("--work-dir", help="Where unfinished work is kept.")
@click.option("--metrics-file", help="Write Prometheus text format here.")
@click.option("--log-format", type=click.Choice(["text", "json"]), help="How log lines look.")
@json_option
def command(root: str, run_id: str, **options: Any) -> int:
    """Publish what the shards of a run have staged below ROOT, as one export would have.

    It asks Twilio nothing. Publishing twice is harmless. Exit code 11: a shard is missing; the message names it.
    """
    from readstate.snapshot.published.snapshot_store import open_store
    from readstate.snapshot.roster.shard import parse_run_id
    from readstate_jobs.snapshots.delta import tables_for
    from readstate_jobs.snapshots.export_output import show_manifest, show_published
    from readstate_jobs.snapshots.publish_job import publish_staged

    as_json: bool = options.pop("as_json")
    tables = tables_for(options.pop("format_"))
    replaces, keeps_staging = options.pop("again"), options.pop("keep_staging")
    settings = settings_from(
        options, max_failed_users=options.pop("max_failed_users"), on_incomplete=options.pop("on_incomplete")
    ).settings
    published = publish_staged(
        settings,
        open_store(root),
        run_id=parse_run_id(run_id),
        replaces=replaces,
        keeps_staging=keeps_staging,
        tables=tables,
    )
    if published.already:
        show_published(published.manifest, root=root, as_json=as_json)
    else:
        show_manifest(published.manifest, root=root, changes=None, as_json=as_json)
    return ExitCode.DONE if published.manifest.complete else ExitCode.SOME_FAILED
