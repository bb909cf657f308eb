"""Lints text as if it were a file."""

import tempfile
from pathlib import Path

from readstate.changes.input.lint import InputOptions, StagedFile, stage
from readstate.changes.input.staging import Staging
from readstate.input.problems import Problem
from readstate.input.source import open_source
from readstate.model.desired import Operation

US, CH = "US" + "a" * 32, "CH" + "b" * 32


class Linted:
    """A file that was linted, its problems and what was staged of it."""

    def __init__(self, content: str | bytes, name: str = "in.csv", **options: object) -> None:
        self.problems: list[Problem] = []
        data = content if isinstance(content, bytes) else content.encode()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, name)
            path.write_bytes(data)
            source = open_source(str(path), spool=Path(folder))
            staging = Staging(Path(folder))
            self.staged: StagedFile | None = stage(
                source,
                staging,
                InputOptions(**options),
                self.problems.append,  # type: ignore[arg-type]
            )
            self.rows = list(staging.select("SELECT * FROM intent ORDER BY line"))
            staging.close()

    @property
    def codes(self) -> list[str]:
        return [problem.code for problem in self.problems]

    @property
    def statuses(self) -> list[str | None]:
        return [row[12] for row in self.rows]


def updates(*lines: str, header: str = "user,conversation,last_read_message_index") -> Linted:
    return Linted("\n".join([header, *lines]), operation=Operation.UPDATE)
