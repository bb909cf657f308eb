"""Texts that name files: a shell completes them."""

import click
from click.shell_completion import CompletionItem
from click.types import StringParamType


class FileName(StringParamType):
    """A path, an address such as ``s3://bucket/x``, or ``-``: taken as typed."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Let the shell complete the name of a file."""
        return [CompletionItem(incomplete, type="file")]
