"""What ``readstate`` has left behind after a day of work, and a command line for each of its commands."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from readstate.simulator.server.server import RunningSimulator
from tests.helpers.bulk_changes import mixed_lines
from tests.helpers.planning import csv_of
from tests.helpers.processes import environment
from tests.helpers.warm_python import Call, WarmPython

WORDS: Mapping[str, list[str]] = {
    "settings": ["settings"],
    "doctor": ["doctor", "--out", "root"],
    "probe": ["probe", "--yes"],
    "template": ["template", "--op", "update"],
    "lint": ["lint", "changes.csv"],
    "plan": ["plan", "changes.csv"],
    "show": ["show", "PLAN"],
    "apply": ["apply", "PLAN", "--canary", "1", "--settle", "0.1", "--max-drift", "100%"],
    "status": ["status", "last"],
    "verify": ["verify", "last"],
    "undo": ["undo", "last"],
    "resume": ["resume", "last"],
    "publish": ["publish", "root", "--run", "nightly"],
    "export": ["export", "--out", "root", "--date", "2024-11-25"],
    "snapshots": ["snapshots", "root", "--verify"],
    "compare": ["compare", "root", "2024-11-22", "2024-11-23"],
    "sql": ["sql", "root", "select identity, '✓ “é” 😀' as odd from user_conversations"],
    "report": ["report", "root"],
    "mark-read": ["mark-read", "--all"],
    "forget": ["forget", "OLD", "--yes"],
    "simulate": ["simulate", "--users", "3"],
    "demo": ["demo", "--users", "1"],
    "schema": ["schema"],
    "completion": ["completion", "zsh"],
}
"""A command line for each command; names in capitals are put in."""


@dataclass(frozen=True)
class Day:
    """A folder with two snapshots, a staged shard, a run and a plan; and the names of the latter."""

    folder: Path
    names: Mapping[str, str]

    def copy_to(self, folder: Path) -> None:
        shutil.copytree(self.folder, folder)

    def typed(self, command: str, **more: str) -> list[str]:
        """The command line of *command*, with the names put in."""
        return [{**self.names, **more}.get(word, word) for word in WORDS[command]]


def make_day(python: WarmPython, twilio: RunningSimulator, folder: Path) -> Day:
    def succeed(*words: str) -> None:
        ended = python.run(Call(words=list(words), folder=str(folder), environment=environment(twilio, folder)))
        assert ended.code == 0, ended

    (folder / "changes.csv").write_text(csv_of(*mixed_lines(twilio, updates=3, removals=0)))
    for day in ("2024-11-22", "2024-11-23"):
        succeed("export", "--out", "root", "--date", day)
    succeed("export", "--out", "root", "--date", "2024-11-24", "--run", "nightly", "--shard", "1/1")
    succeed("plan", "changes.csv", "--out", "old")
    (old,) = (folder / "old").iterdir()
    succeed("apply", str(old), "--settle", "0.1")
    succeed("mark-read", "--all")
    (plan,) = (folder / "plans").iterdir()
    return Day(folder, {"PLAN": plan.name, "OLD": f"old/{old.name}"})
