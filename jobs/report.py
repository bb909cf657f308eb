"""``readstate report``: look at a snapshot rather than read it."""

from datetime import date
from pathlib import Path

import click

from jobs.options import parse_day
from pipeline.errors import ExitCode


@click.command()
@click.argument("root")
@click.option("--date", "day", type=parse_day, metavar="YYYY-MM-DD", help="The snapshot to show. [default: the newest]")
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), help="Where the page goes. [default: stdout]")
@click.option("--markdown", is_flag=True, help="Markdown, for a chat or a pull request, instead of HTML.")
@click.option("--show-pii", is_flag=True, help="Show names and identities too.")
def command(*, root: str, day: date | None, out: Path | None, markdown: bool, show_pii: bool) -> int:
    """Show a snapshot below ROOT, and the series that it belongs to, as one page that needs nothing else."""
    from pipeline.snapshot.local_files import whole_file
    from pipeline.snapshot.report import make_report, render_html, render_markdown

    report = make_report(root, day, show_pii=show_pii)
    text = render_markdown(report) if markdown else render_html(report)
    if out is None:
        click.echo(text)
        return ExitCode.DONE
    with whole_file(out) as file:
        file.write(text.encode())
    click.echo(f"Written to {out}", err=True)
    return ExitCode.DONE
