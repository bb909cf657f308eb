"""The progress bar, for a person at a terminal."""

from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar as Bar
from rich.table import Table
from rich.text import Text

from readstate.observers.progress_figures import Figures, outlook, sentence
from readstate.text import escape_control

_BAR_WIDTH = 40


class ProgressBar:
    """A bar and its figures at the foot of the terminal, which change, and lines above them, which stay."""

    def __init__(self, stream: TextIO, *, verb: str) -> None:
        self._verb = verb
        self._live = Live(
            console=Console(file=stream, highlight=False),
            auto_refresh=False,  # drawn when looked at: no thread
            transient=True,
            redirect_stdout=False,  # the result goes there, and perhaps into a file
        )
        self._live.start()

    def look(self, now: Figures) -> None:
        """Draw *now*."""
        done, total = _share(now)
        row = Table.grid(padding=(0, 1))
        percent = f"{100 * done // total} %" if total else ""
        bar = Bar(
            total=total, completed=done, width=_BAR_WIDTH, pulse=total is None, animation_time=now.elapsed_seconds
        )
        row.add_row(Text(self._verb), bar, Text(percent), Text(outlook(now)))
        self._live.update(Group(row, Text(sentence(now))), refresh=True)

    def write(self, line: str) -> None:
        """Write *line* above the bar, as it is: no markup in it has an effect."""
        self._live.console.print(Text(escape_control(line)), soft_wrap=True)

    def close(self) -> None:
        """Take the bar away and leave the lines."""
        self._live.stop()


def _share(now: Figures) -> tuple[int, int | None]:
    if now.stage == "reading":
        return now.users_done, now.users_listed if now.roster_is_complete else None
    return now.stage_done, now.stage_all
