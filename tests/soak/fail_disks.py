"""Makes single operations of the disk fail, be short or kill the process, and looks how each command ends.

    python -m tests.soak.fail_disks [POINTS] [SEED] [COMMAND…]

POINTS is how many are tried of each command, or ``all``. The operations of an undisturbed run are counted first; a
point is one of them with one fault. Each must end whole, resumable or in words: with no exit code 70, no signal but
the one injected, no hang, no published snapshot that differs, no write sent twice or lost. What was not done is done
by typing what the message says, and has to leave what an undisturbed run leaves.
"""

import random
import re
import signal
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from readstate.errors import ExitCode
from tests.helpers.cli_shell import CommandOutput
from tests.helpers.failing_disk import DiskFault, FailingDisk, failing_disk
from tests.soak.change_commands import CHANGE_COMMANDS
from tests.soak.disk_place import Place, TriedCommand, next_words, places
from tests.soak.snapshot_commands import SNAPSHOT_COMMANDS

HUNG = -signal.SIGALRM
"""What ends a command that takes a minute."""
COMMANDS = SNAPSHOT_COMMANDS + CHANGE_COMMANDS
_FAULTS = {
    "open": ("eio", "kill", "eio on"),
    "create": ("eio", "enospc", "kill", "enospc on"),
    "read": ("eio", "eintr", "short", "kill", "eio on", "short on"),
    "write": ("eio", "enospc", "eintr", "short", "torn", "kill", "enospc on", "eio on", "short on"),
    "sync": ("eio", "enospc", "kill", "eio on"),
    "truncate": ("eio", "enospc", "kill"),
    "rename": ("eio", "enospc", "kill", "eio on"),
    "unlink": ("eio", "kill", "eio on"),
    "mkdir": ("eio", "enospc", "kill"),
    "lock": ("eio", "kill"),
}
_TRIES = 6
"""Of finishing what a fault has stopped; none of them meets a fault."""
_VARYING = re.compile(
    r"(?<=unfinished-|.readstate-)[^/]+|(?<=/)[a-z0-9_]{8}(?=/|$)|[0-9a-f]*\d[0-9a-f]*|(?<=-)[0-9a-f]{6,}"
)


def main(points: str = "60", seed: str = "12", *names: str) -> int:
    broken: list[str] = []
    with tempfile.TemporaryDirectory() as folder, failing_disk(Path(folder)) as disk:
        for command in COMMANDS:
            if not names or command.name in names:
                broken += _try_command(command, disk, Path(folder), points, random.Random(f"{seed} {command.name}"))
    print(f"{len(broken)} broken promises")
    return 1 if broken else 0


def _try_command(
    command: TriedCommand, disk: FailingDisk, scratch: Path, points: str, dice: random.Random
) -> list[str]:
    broken: list[str] = []
    endings: dict[str, Counter[str]] = defaultdict(Counter)
    with places(command, disk, scratch) as fresh:
        counts = _undisturbed(command, fresh())
        faults = list(_points(counts))
        total = len(faults)
        if points != "all":
            faults = _sample(faults, int(points), dice)
        print(f"{command.name}: {sum(counts.values())} operations, {total} points, {len(faults)} tried", flush=True)
        for fault in faults:
            ending, problem = try_point(command, fresh(), fault)
            endings[f"{fault.operation} {fault.fault}{' on' if fault.lasting else ''}"][ending] += 1
            if problem is not None:
                broken.append(problem)
                print(f"  BROKEN {command.name}: {fault}: {ending}: {problem}", flush=True)
    for name, found in sorted(endings.items()):
        print(f"  {name:16} " + ", ".join(f"{count} {ending}" for ending, count in sorted(found.items())))
    return broken


def _undisturbed(command: TriedCommand, place: Place) -> Counter[tuple[str, str]]:
    """Return how often each operation meets each kind of path."""
    words = command.words(place)
    place.succeed(*words)
    counts = Counter((operation, pattern_of(path, place.folder)) for operation, path in place.disk.operations())
    command.check(place)
    return counts


def pattern_of(path: str, folder: Path) -> str:
    """Return a pattern for *path* and those that differ in numbers, dates and hashes only."""
    inside = path.removeprefix(str(folder))
    return str(folder) + _VARYING.sub("*", inside)


def _points(counts: Counter[tuple[str, str]]) -> Iterator[DiskFault]:
    for (operation, pattern), count in sorted(counts.items()):
        for name in _FAULTS[operation]:
            fault, _, lasting = name.partition(" ")
            for number in range(1, count + 1):
                yield DiskFault(operation, pattern, number, fault, bool(lasting))


def _sample(faults: list[DiskFault], count: int, dice: random.Random) -> list[DiskFault]:
    """Return *count* of *faults*, of each operation, path and fault about equally many."""
    groups: dict[tuple[str, str, str, bool], list[DiskFault]] = defaultdict(list)
    for fault in faults:
        groups[fault.operation, fault.pattern, fault.fault, fault.lasting].append(fault)
    order = list(groups.values())
    dice.shuffle(order)
    for group in order:
        dice.shuffle(group)
    chosen: list[DiskFault] = []
    while order and len(chosen) < count:
        chosen += [group.pop() for group in order][: count - len(chosen)]
        order = [group for group in order if group]
    return chosen


def try_point(command: TriedCommand, place: Place, fault: DiskFault) -> tuple[str, str | None]:
    """Run *command* with *fault*, then finish it; return how it ended, and which promise was broken."""
    words = command.words(place)
    output = place.run(*words, fault=fault)
    struck = place.disk.operations()
    ending = ("" if struck else "not reached, ") + _ending(output, fault)
    try:
        _require_deliberate(output, fault, place)
        command.always(place)
        if output.code != 0:
            ending += f", {_finish(command, place, words, output)}"
        command.check(place)
    except Exception as error:  # noqa: BLE001 - whatever it is, a promise is broken; and the next point is tried
        return ending, f"{type(error).__name__}: {error}\n    after: {output.stderr.strip()[-600:]}"
    return ending, None


def _ending(output: CommandOutput, fault: DiskFault) -> str:
    if output.code == 0:
        return "whole"
    if output.code == HUNG:
        return "hung"
    return f"signal {-output.code}" if output.code < 0 else f"exit {output.code}"


def _require_deliberate(output: CommandOutput, fault: DiskFault, place: Place) -> None:
    assert output.code != HUNG, "it hung"
    assert "Traceback" not in output.stderr, "a traceback"
    if output.code < 0:
        assert fault.fault in {"kill", "torn"}, f"signal {-output.code}"
        return
    assert output.code != ExitCode.INTERNAL, "exit code 70"
    if output.code != 0:
        message = output.stderr.rpartition("error:")[2].strip() or output.stdout.strip()
        assert message, "no words"
        assert "\n" in message, f"nothing to type next: {message}"
    if output.code == ExitCode.LOCAL_DISK:
        assert str(place.folder) in message, f"no file is named: {message}"


def _finish(command: TriedCommand, place: Place, words: list[str], output: CommandOutput) -> str:
    """Type what the message says until the command ends well; return how that went."""
    outputs = [output]
    for number in range(1, _TRIES + 1):
        words_now = next_words(words, outputs)
        output = place.run(*words_now)
        outputs.append(output)
        assert output.code not in {ExitCode.INTERNAL, HUNG}, f"finishing ended with {output.code}: {output.stderr}"
        if output.code == 0:
            how = "restarted" if "--restart" in words_now else "resumed"
            return how if number == 1 else f"{how} at the {number}. try"
        command.always(place)
    raise AssertionError(f"cannot be finished: {' '.join(words_now)} ends with {output.code}: {output.stderr}")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
