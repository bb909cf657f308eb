"""Text from elsewhere moves no cursor, breaks no line and turns no direction, whichever command prints it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from readstate.errors import ExitCode
from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import RunningSimulator, running
from readstate.simulator.world.world import World
from readstate_jobs.help.commands import COMMANDS
from tests.helpers.hostile_server import hostile_server
from tests.helpers.processes import environment
from tests.helpers.warm_python import Call, Ended, WarmPython
from tests.helpers.whole_day import WORDS, Day, make_day

HOSTILE = "\x1b]0;x\x07\x1b[2J\x9b2J\u202e\u2066\u2028\x85\x7f\r\nFORGED"
WITH_JSON = [
    name for name in WORDS if name not in {"probe", "template", "report", "simulate", "demo", "forget", "publish"}
]

_OURS = "\n\u202f"
"""Line ends, and the narrow blank between the digits of a number on a page."""

MISTAKES = {
    **{name: [name, f"--{HOSTILE}"] for name in WORDS},
    "a name": [HOSTILE],
    "a plan": ["show", HOSTILE],
    "a run": ["status", HOSTILE],
    "a file": ["lint", HOSTILE],
    "a root": ["snapshots", HOSTILE],
    "a report of nothing": ["report", HOSTILE],
    "a plan or run": ["forget", HOSTILE, "--yes"],
    "users": ["export", "--out", "x", "--users", HOSTILE],
    "a folder": ["export", "--out", f"changes.csv/{HOSTILE}"],
    "a date": ["export", "--out", "x", "--date", HOSTILE],
    "a duration": ["apply", "PLAN", "--settle", HOSTILE],
    "a share": ["apply", "PLAN", "--verify", HOSTILE],
    "a setting": ["settings", "--work-dir", HOSTILE],
    "an address": ["doctor", "--base-url", f"https://{HOSTILE}"],
    "a pace": ["doctor", "--shared-pace", f"{HOSTILE}://x"],
    "a configuration": ["settings", "--config", HOSTILE],
    "a service": ["plan", "changes.csv", "--service", HOSTILE],
    "an age": ["mark-read", "--all", "--conversation-updated-before", HOSTILE],
    "states": ["mark-read", "--all", "--state", HOSTILE],
    "columns": ["export", "--out", "x", "--columns", HOSTILE],
    "a query": ["sql", "root", f"select '{HOSTILE}' as \"{HOSTILE}\""],
    "a wrong query": ["sql", "root", f'select "{HOSTILE}"'],
    "a kind": ["sql", "root", "select 1", "--out", HOSTILE],
    "a fault": ["simulate", "--fault", HOSTILE],
    "a world": ["simulate", "--world", HOSTILE],
    "a shard": ["export", "--out", "x", "--run", "x", "--shard", HOSTILE],
    "an id": ["publish", "root", "--run", HOSTILE],
    "cells": ["lint", "hostile.csv"],
    "cells of a plan": ["plan", "hostile.csv"],
}
"""Command lines that are answered with an error, and what is hostile in each."""


@dataclass(frozen=True)
class Shell:
    """Runs commands at a dumb terminal, where we send no control sequences ourselves."""

    python: WarmPython
    twilio: RunningSimulator
    day: Day
    base_url: str

    def run(self, folder: Path, words: list[str]) -> Ended:
        variables = environment(
            self.twilio, folder, READSTATE_BASE_URL=self.base_url, TERM="dumb", READSTATE_MAX_ATTEMPTS="1"
        )
        return self.python.run(
            Call(words=words, folder=str(folder), environment=variables, stdout="terminal", stderr="terminal")
        )


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    python = WarmPython({"LC_ALL": "C.UTF-8"})
    with running(World(WorldShape(users=6, seed=3, heaviest=9)), faults=Faults(concurrency_cap=None)) as twilio:
        day = make_day(python, twilio, tmp_path_factory.mktemp("day"))
        refused = next(iter(twilio.oracle.every_user_conversation()))["user_sid"]
        with hostile_server(twilio.base_url, HOSTILE, refusing=f"Users/{refused}/") as base_url:
            yield Shell(python, twilio, day, base_url)
    python.close()


@pytest.fixture
def folder(shell: Shell, tmp_path: Path) -> Path:
    """A day in a folder with a hostile name, with hostile files and a manifest that names some."""
    folder = tmp_path / HOSTILE.replace("/", "")
    shell.day.copy_to(folder)
    cell = json.dumps(HOSTILE, ensure_ascii=False)
    (folder / "hostile.csv").write_text(f"user,conversation,{cell},op\n{cell},{cell},{cell},{cell}\n")
    manifest = folder / "root" / "_snapshots" / "2024-11-23.json"
    document = json.loads(manifest.read_text())
    document["run_id"] = HOSTILE
    document["unknown_fields"] = {HOSTILE: 7}
    document["tool_version"] = HOSTILE
    manifest.write_text(json.dumps(document))
    return folder


def _steering(ended: Ended) -> str | None:
    """Return the first of what a terminal would obey in the output of *ended*, and where it stands."""
    shown = (ended.stdout + ended.stderr).replace("\r\n", "\n")
    found = next((at for at, sign in enumerate(shown) if not (sign.isprintable() or sign in _OURS)), None)
    if found is None and (forged := re.search("^FORGED", shown, re.MULTILINE)):
        found = forged.start()
    return None if found is None else ascii(shown[max(0, found - 80) : found + 40])


def test_no_command_lets_the_text_of_others_steer(shell: Shell, folder: Path) -> None:
    calls = [
        *(
            [*shell.day.typed(name), "--json"]
            for name in WORDS
            if name in WITH_JSON and name not in {"forget", "publish"}
        ),
        *(shell.day.typed(name) for name in WORDS),
    ]

    endings = {" ".join([*words[:2], words[-1]]): shell.run(folder, words) for words in calls}

    assert WORDS.keys() == COMMANDS.keys()
    assert {what: found for what, ended in endings.items() if (found := _steering(ended))} == {}
    assert [what for what, ended in endings.items() if ended.code == ExitCode.INTERNAL or ended.code < 0] == []


def test_no_error_lets_the_text_of_others_steer(shell: Shell, folder: Path) -> None:
    endings = {what: shell.run(folder, [shell.day.names.get(w, w) for w in words]) for what, words in MISTAKES.items()}

    assert {what: found for what, ended in endings.items() if (found := _steering(ended))} == {}
    assert [what for what, ended in endings.items() if ended.code == ExitCode.INTERNAL or ended.code < 0] == []
