"""The progress bar, for a person at a terminal."""

from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar as Bar
from rich.table import Table
from rich.text import Text

from readstate.observers.progress import Progress, eta, progress_line
from readstate.text import escape_control

_BAR_WIDTH = 40


class ProgressBar:
    """A bar at the foot of the terminal, redrawn at every update, and lines above it, which stay."""

    def __init__(self, stream: TextIO, *, verb: str) -> None:
        self._verb = verb
        self._live = Live(
            console=Console(file=stream, highlight=False),
            auto_refresh=False,  # it is redrawn by updates, so that it needs no thread
            transient=True,
            redirect_stdout=False,  # the result goes there, and perhaps into a file
        )
        self._live.start()

    def update(self, now: Progress) -> None:
        """Draw *now*."""
        done, total = now.done, now.total
        row = Table.grid(padding=(0, 1))
        percent = f"{100 * done // total} %" if total else ""
        bar = Bar(
            total=total, completed=done, width=_BAR_WIDTH, pulse=total is None, animation_time=now.elapsed_seconds
        )
        row.add_row(Text(self._verb), bar, Text(percent), Text(eta(now)))
        self._live.update(Group(row, Text(progress_line(now))), refresh=True)

    def write(self, line: str) -> None:
        """Write *line* above the bar; markup in it has no effect."""
        self._live.console.print(Text(escape_control(line)), soft_wrap=True)

    def close(self) -> None:
        """Remove the bar; the lines stay."""
        self._live.stop()
