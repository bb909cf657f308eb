"""A folder on a failing disk, the simulated account beside it, and what is to be known of a command tried there."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from readstate.simulator.api.behaviour import Behaviour
from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import RunningSimulator, running
from readstate.simulator.world.world import World
from tests.helpers.cli_shell import CommandOutput
from tests.helpers.failing_disk import DiskFault, FailingDisk
from tests.helpers.processes import environment

_SHAPE = WorldShape(users=60, services=1, heaviest=60, odd_identities=0.0)
_SETTINGS = {
    "READSTATE_PART_SECONDS": "0.05", "READSTATE_MAX_IN_FLIGHT": "8", "READSTATE_WRITES_PER_SECOND": "2000",
    "READSTATE_MAX_OUTAGE": "5s",
}  # fmt: skip
CARE = ("--settle", "0.05,0.15", "--canary", "5")


@dataclass
class Place:
    """One folder, the simulated account that belongs to it, and the disk that it is on."""

    folder: Path
    disk: FailingDisk
    twilio: RunningSimulator
    facts: dict[str, Any] = field(default_factory=dict)
    """What `prepare` and `lead` hand to `check`."""
    undisturbed: dict[str, Any] = field(default_factory=dict)
    """What the undisturbed run hands to the checks of all others."""

    def run(self, *arguments: str, fault: DiskFault | None = None) -> CommandOutput:
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        env = environment(self.twilio, self.folder, TMPDIR=str(temporary), **_SETTINGS)
        return self.disk.run(list(arguments), env, folder=self.folder, fault=fault)

    def succeed(self, *arguments: str) -> CommandOutput:
        output = self.run(*arguments)
        assert output.code == 0, output
        return output

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def kill(self, words: list[str], operation: str, pattern: str, number: int) -> None:
        """Run a command that is killed instead of an operation."""
        output = self.run(*words, fault=DiskFault(operation, self.path(pattern), number, "kill"))
        assert output.code == -9, output


def nothing(place: Place) -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class TriedCommand:
    """A command to be tried on a failing disk."""

    name: str
    words: Callable[[Place], list[str]]
    check: Callable[[Place], None]
    """Raise where what must hold when the command has ended with 0 does not."""
    always: Callable[[Place], None] = nothing
    """Raise where what must hold at any moment does not."""
    prepare: Callable[[Place], None] = nothing
    """Make what the command finds; done once, and copied."""
    lead: Callable[[Place], None] = nothing
    """Make what cannot be copied."""
    changes_world: bool = False


def next_words(command: list[str], outputs: list[CommandOutput]) -> list[str]:
    """Return what somebody types who reads *outputs*: the command that the last one names, or *command* again."""
    message = outputs[-1].stderr
    if named := re.findall(r"readstate resume (\S+)", message):
        return ["resume", named[-1], *CARE]
    # Only where the same command does not help: it is for a file that is damaged.
    if "--restart" in message and len(outputs) > 2:
        return [*command, "--restart"]
    return command


@contextmanager
def _account(port: int = 0) -> Iterator[RunningSimulator]:
    quiet = Behaviour(actions_per_second=0)
    with running(World(_SHAPE), faults=Faults(latency_ms=5), behaviour=quiet, port=port) as twilio:
        yield twilio


@contextmanager
def places(command: TriedCommand, disk: FailingDisk, scratch: Path) -> Iterator[Callable[[], Place]]:
    """Yield a function that returns a place in which everything is ready for *command*, each time anew."""
    folder, template = scratch / "disk", scratch / "template"
    for path in (folder, template):
        shutil.rmtree(path, ignore_errors=True)
    folder.mkdir(mode=0o700)
    with ExitStack() as servers:
        twilio = servers.enter_context(_account())
        port = int(twilio.base_url.rpartition(":")[2])
        first = Place(folder, disk, twilio)
        command.prepare(first)
        shutil.copytree(folder, template)

        def fresh() -> Place:
            nonlocal twilio
            shutil.rmtree(folder)
            shutil.copytree(template, folder)
            if command.changes_world:
                servers.pop_all().close()
                twilio = servers.enter_context(_account(port))
            place = Place(folder, disk, twilio, dict(first.facts), first.undisturbed)
            command.lead(place)
            return place

        yield fresh
