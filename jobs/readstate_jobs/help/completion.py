"""``readstate completion``: the script that completes command lines in a shell."""

import click
from click.shell_completion import get_completion_class

from readstate_jobs.help.command import GroupedCommand


@click.command(cls=GroupedCommand)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(*, shell: str) -> None:
    """Print the script that completes commands, options and files in SHELL.

    In bash and zsh, let the shell's start-up file evaluate it; in fish, save it among the completions.
    """
    root = click.get_current_context().find_root()
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(root.command, {}, "readstate", "_READSTATE_COMPLETE").source())
