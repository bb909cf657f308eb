"""Texts that name files: a shell completes them."""

from typing import Any

import click
from click.shell_completion import CompletionItem


class FileName(click.ParamType[str]):
    """A path, an address such as ``s3://bucket/x``, or ``-``: taken as typed."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return *value*."""
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Let the shell complete the name of a file."""
        return [CompletionItem(incomplete, type="file")]
