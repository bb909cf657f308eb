"""The progress bar, for a person at a terminal."""

from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from pipeline.observers.figures import Figures, sentence
from pipeline.observers.words import printable


class ProgressBar:
    """One line at the foot of the terminal that changes, and lines above it that stay."""

    def __init__(self, stream: TextIO, *, verb: str) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[sentence]}", markup=False),
            console=Console(file=stream, highlight=False),
            auto_refresh=False,  # drawn when looked at: no thread
            transient=True,
            redirect_stdout=False,  # the result goes there, and perhaps into a file
        )
        self._task: TaskID = self._progress.add_task(verb, total=None, sentence="")
        self._progress.start()

    def look(self, now: Figures) -> None:
        """Draw *now*."""
        done, total = _share(now)
        self._progress.update(self._task, completed=done, total=total, sentence=sentence(now), refresh=True)

    def write(self, line: str) -> None:
        """Write *line* above the bar, as it is: no markup in it has an effect."""
        self._progress.console.print(Text(printable(line)), soft_wrap=True)

    def close(self) -> None:
        """Take the bar away and leave the lines."""
        self._progress.stop()


def _share(now: Figures) -> tuple[int, int | None]:
    if now.stage == "reading":
        return now.users_done, now.users_listed if now.roster_is_complete else None
    return now.stage_done, now.stage_all
