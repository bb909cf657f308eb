"""``readstate completion``: the script that completes command lines in a shell."""

import click
from click.shell_completion import get_completion_class


def carry_out(*, shell: str) -> None:
    """Carry out ``readstate completion``."""
    root = click.get_current_context().find_root()
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(root.command, {}, "readstate", "_READSTATE_COMPLETE").source())
