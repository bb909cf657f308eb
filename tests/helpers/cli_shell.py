"""The one way to run ``readstate`` inside a test's own process; `process_shell` runs it in another."""

import io
import json
import os
import signal
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from readstate.changes.plans.reader import Plan, open_plan
from readstate.simulator.server.server import RunningSimulator
from readstate_jobs.cli.main import main
from tests.helpers.documents import require_described
from tests.helpers.planning import csv_of
from tests.helpers.processes import environment


@dataclass(frozen=True)
class CommandOutput:
    """What a command has printed, and how it has ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout, which is as its JSON Schema says."""
        document = json.loads(self.stdout)
        if isinstance(document, dict) and "$defs" not in document:
            require_described(document)
        return document


class RunCommand(Protocol):
    """Runs ``readstate`` with arguments; what fixtures hand to tests."""

    def __call__(self, *arguments: str, env: Mapping[str, str] | None = None) -> CommandOutput: ...


def run_command(*arguments: str, env: Mapping[str, str] | None = None) -> CommandOutput:
    """Run ``readstate`` in this process, with *env* over the environment: quick, and coverage sees it.

    A command changes what belongs to the process: environment and signal handlers are put back.
    """
    stdout, stderr = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    before = dict(os.environ)
    os.environ.update(env or {})
    try:
        with redirect_stdout(stdout), redirect_stderr(stderr):
            code = main(arguments)
    finally:
        os.environ.clear()
        os.environ.update(before)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    output = CommandOutput(code, _text(stdout), _text(stderr))
    assert "Traceback" not in output.stdout + output.stderr, output
    return output


def succeed(*arguments: str) -> CommandOutput:
    """Run ``readstate`` in this process; it must end with 0."""
    output = run_command(*arguments)
    assert output.code == 0, output
    return output


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    written = stream.buffer
    assert isinstance(written, io.BytesIO)
    return written.getvalue().decode("utf-8")


@dataclass
class Shell:
    """Runs commands against a simulator, with all of their files below one folder."""

    twilio: RunningSimulator
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    def call(self, *arguments: str) -> CommandOutput:
        return run_command(*arguments, env=self.environment())

    def plan(self, lines: list[dict[str, Any]], *options: str) -> Plan:
        """Write *lines* into a changes file and plan them."""
        path = self.folder / "changes.csv"
        path.write_bytes(csv_of(*lines).encode())
        output = self.call("plan", str(path), "-o", str(self.folder / "plans"), "--json", *options)
        assert output.code == 0, output
        return open_plan(Path(output.document["plan_dir"]))

    def run_dirs(self) -> list[Path]:
        root = self.folder / "work" / "runs"
        return sorted(root.iterdir()) if root.exists() else []

    def environment(self) -> dict[str, str]:
        """What a process needs in order to find the simulator and the folder."""
        return environment(self.twilio, self.folder, **self.settings) | {"PYTHONDONTWRITEBYTECODE": "1"}
