"""Every command, in all the places where people start it: each ends as it should, or in words."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from readstate.errors import ExitCode
from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import RunningSimulator, running
from readstate.simulator.world.world import World
from readstate_jobs.help.commands import COMMANDS
from tests.helpers.processes import environment
from tests.helpers.warm_python import Call, Ended, WarmPython
from tests.helpers.whole_day import WORDS, Day, make_day

CONFIGURED = {
    "settings",
    "doctor",
    "plan",
    "apply",
    "resume",
    "status",
    "export",
    "verify",
    "undo",
    "report",
    "mark-read",
}
"""Commands that are given a settings file too."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What differs from an ordinary shell, and which codes besides 0 a command may end with there."""

    call: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    unset: frozenset[str] = frozenset()
    name: str = "day"
    changes: str = "changes.csv"
    read_only: str = "nothing"
    locale: str = "UTF-8"
    settings_file: bool = False
    codes: frozenset[ExitCode] = frozenset()
    can_work: bool = True
    """Whether files can be read and written there."""


NO_ROOM = frozenset({ExitCode.LOCAL_DISK})
NO_HOME = frozenset({"HOME"})
ALL = {
    "settings with ~ and a byte order mark": Surroundings(settings_file=True, unset=frozenset({"READSTATE_WORK_DIR"})),
    "stdin closed, and streams in latin-1": Surroundings(
        call={"stdin": "closed"}, variables={"PYTHONIOENCODING": "latin-1"}
    ),
    "all streams closed": Surroundings(call={"stdin": "closed", "stdout": "closed", "stderr": "closed"}),
    "stdout full, and nobody reads stderr": Surroundings(call={"stdout": "full", "stderr": "broken"}, codes=NO_ROOM),
    "nobody reads stdout, and stderr full": Surroundings(call={"stdout": "broken", "stderr": "full"}),
    "a dumb ASCII terminal of one column": Surroundings(
        call={"stdout": "terminal", "stderr": "terminal"},
        variables={"TERM": "dumb", "COLUMNS": "1", "LINES": "1", "PYTHONIOENCODING": "ascii"},
    ),
    "a narrow terminal": Surroundings(
        call={"stdout": "terminal", "stderr": "terminal"}, variables={"TERM": "xterm", "COLUMNS": "9"}
    ),
    "a user without name and home, in a locale without UTF-8": Surroundings(
        call={"by_nobody": True}, unset=NO_HOME, locale="ASCII"
    ),
    "a user without name, home and work folder": Surroundings(
        call={"by_nobody": True},
        unset=NO_HOME | {"READSTATE_WORK_DIR"},
        codes=frozenset({ExitCode.BAD_INPUT}),
        can_work=False,
    ),
    "a folder and a file whose names are no UTF-8": Surroundings(
        name="d\udcff", changes="c\udce9.csv", codes=frozenset({ExitCode.BAD_INPUT}), can_work=False
    ),
    "a folder that cannot be written": Surroundings(
        call={"respects_permissions": True}, read_only="*", codes=NO_ROOM, can_work=False
    ),
    "a work folder that cannot be written": Surroundings(
        call={"respects_permissions": True}, read_only="work", codes=NO_ROOM, can_work=False
    ),
    "a folder that was deleted": Surroundings(
        call={"folder_vanishes": True}, codes=NO_ROOM | {ExitCode.BAD_INPUT}, can_work=False
    ),
}


@pytest.fixture(scope="module")
def twilio() -> Iterator[RunningSimulator]:
    with running(World(WorldShape(users=6, seed=3, heaviest=9)), faults=Faults(concurrency_cap=None)) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def pythons() -> Iterator[Mapping[str, WarmPython]]:
    """A Python of each locale."""
    found = {
        "UTF-8": WarmPython({"LC_ALL": "C.UTF-8"}),
        "ASCII": WarmPython({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    }
    yield found
    for python in found.values():
        python.close()


@pytest.fixture(scope="module")
def day(twilio: RunningSimulator, pythons: Mapping[str, WarmPython], tmp_path_factory: pytest.TempPathFactory) -> Day:
    return make_day(pythons["UTF-8"], twilio, tmp_path_factory.mktemp("day"))


def test_there_is_a_command_line_for_every_command() -> None:
    assert WORDS.keys() == COMMANDS.keys()
    assert len(ALL) * len(WORDS) == 312


@pytest.mark.parametrize("name", ALL)
def test_every_command_ends_as_it_should_or_in_words(
    name: str,
    twilio: RunningSimulator,
    pythons: Mapping[str, WarmPython],
    day: Day,
    tmp_path: Path,
) -> None:
    around = ALL[name]
    folder = tmp_path / around.name
    day.copy_to(folder)
    (folder / "readstate.toml").write_bytes(b"\xef\xbb\xbfwork_dir = '~/work'\r\n")
    variables = environment(twilio, folder, READSTATE_WRITES_PER_SECOND="2000") | around.variables
    variables = {variable: value for variable, value in variables.items() if variable not in around.unset}

    (folder / "changes.csv").rename(folder / around.changes)

    wrong = []
    with _read_only(folder, around.read_only):
        for command in WORDS:
            typed = day.typed(command, **{"changes.csv": around.changes})
            if around.settings_file and command in CONFIGURED:
                typed.append("--config=~/readstate.toml")
            (cwd := folder / "vanishing").mkdir(exist_ok=True) if "folder_vanishes" in around.call else (cwd := folder)
            ended = pythons[around.locale].run(Call(words=typed, folder=str(cwd), environment=variables, **around.call))
            if (problem := _problem(command, ended, around)) is not None:
                wrong.append(f"{command}: {problem}: {ended}")

    assert not wrong, "\n".join(wrong)
    if around.can_work:
        assert (folder / "root" / "_snapshots" / "2024-11-25.json").is_file(), "nothing was exported"
        assert len(list((folder / "work" / "runs").iterdir())) == 2, "nothing was applied"


def _problem(command: str, ended: Ended, around: Surroundings) -> str | None:
    """Return why a command must not have ended as it did, or None."""
    usual = {ExitCode.DONE, ExitCode.SOME_DRIFTED} if command == "apply" else {ExitCode.DONE}
    if command == "doctor" and around.codes:
        usual |= {ExitCode.SOME_FAILED}
    if ended.code not in usual | around.codes:
        return f"code {ended.code}"
    if "Traceback" in ended.stdout + ended.stderr:
        return "a traceback"
    can_speak = around.call.get("stderr", "pipe") in {"pipe", "terminal"}
    if can_speak and ended.code not in usual and not ("error:" in ended.stderr or "✗" in ended.stdout):
        return "no words"
    return None


@contextmanager
def _read_only(folder: Path, pattern: str) -> Iterator[None]:
    """Let nobody write into the folders below *folder* that match *pattern*, nor in what they hold."""
    closed = [path for top in folder.glob(pattern) for path in (top, *top.rglob("*")) if path.is_dir()]
    closed += [folder] * (pattern == "*")
    for path in closed:
        path.chmod(0o500)
    yield
    for path in closed:
        path.chmod(0o700)
