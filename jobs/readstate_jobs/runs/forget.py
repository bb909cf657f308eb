"""``readstate forget``: remove the personal data of plans and runs."""

from pathlib import Path

import click

from readstate_jobs.cli.options import json_option


@click.command()
@click.argument("names", nargs=-1, metavar="[PLAN|RUN]…")
@click.option("--retain", metavar="TIME", help="Everything that was not used for so long, such as 30d.")
@click.option(
    "-o", "--out", "root", type=click.Path(path_type=Path, file_okay=False), default=Path("plans"), show_default=True,
    help="Where plans lie.",
)  # fmt: skip
@click.option("--work-dir", help="Where runs are kept.")
@click.option("--config", type=click.Path(path_type=Path), help="A TOML file of settings.")
@click.option("--yes", is_flag=True, help="Remove without asking.")
@json_option
def command(
    *, names: tuple[str, ...], retain: str | None, root: Path, work_dir: str | None, config: Path | None, yes: bool,
    as_json: bool,
) -> int:  # fmt: skip
    """Remove what PLANs, with all of their runs, or single RUNs tell about people. Nothing is sent.

    Manifests, digests, counts, outcomes and audits stay. What was changed cannot be taken back afterwards.
    """
    from readstate.errors import Usage
    from readstate.model.quantities import parse_duration
    from readstate.settings import load_settings
    from readstate_jobs.runs.forget_job import ForgetJob, agreed, find_named, find_unused, show_forgotten, show_old

    if bool(names) == (retain is not None):
        raise Usage("name plans or runs, or say --retain", hint="For example:  readstate forget --retain 30d")
    place = Path(load_settings(flags={"work_dir": work_dir}, config=config).settings.work_dir)
    found = find_named(names, root, place) if retain is None else find_unused(parse_duration(retain), root, place)
    if not as_json:
        show_old(found)
    agreed(found, yes=yes)
    result = ForgetJob(place).forget(found)
    return show_forgotten(result, as_json=as_json)
