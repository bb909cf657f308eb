"""The progress bar, for a person at a terminal."""

import textwrap
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar as Bar
from rich.table import Table
from rich.text import Text

from readstate.observers.progress import Progress, eta, progress_line
from readstate.text import escape_control, truncate

_BAR_WIDTH = 40
_SHORTEST_BAR = 10
_CTRL_C = 2
"""The columns that a terminal needs to show ``^C`` behind the bar, which is redrawn then."""


class ProgressBar:
    """Two lines at the foot of the terminal, redrawn at every update, and lines above them, which stay."""

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
        """Draw *now*, each line as wide as the terminal at most: a wrapped one could not be redrawn."""
        width, share = self._live.console.width - _CTRL_C, now.share
        percent = "" if share is None else f"{'about ' if now.is_estimate else ''}{100 * share:.0f} %"
        blanks = 3
        beside = len(self._verb) + len(percent) + blanks
        left = truncate(eta(now), max(1, width - beside - _SHORTEST_BAR))
        bar = Bar(
            total=None if share is None else 1.0,
            completed=share or 0.0,
            width=max(_SHORTEST_BAR, min(_BAR_WIDTH, width - beside - len(left))),
            pulse=share is None,
            animation_time=now.elapsed_seconds,
        )
        row = Table.grid(padding=(0, 1))
        row.add_row(Text(self._verb), bar, Text(percent), Text(left))
        self._live.update(Group(row, Text(progress_line(now, width=width))), refresh=True)

    def write(self, line: str) -> None:
        """Write *line* above the bar, broken between words, never within one; markup in it has no effect."""
        lines = textwrap.wrap(
            escape_control(line), self._live.console.width, break_long_words=False, break_on_hyphens=False
        )
        self._live.console.print(Text("\n".join(lines)), soft_wrap=True)

    def close(self) -> None:
        """Remove the bar; the lines stay."""
        self._live.stop()
