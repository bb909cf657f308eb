import re
import sqlite3
from contextlib import closing
from datetime import date

import pytest
from msgspec.structs import replace

from readstate.errors import ExitCode
from readstate.model.resources import User
from readstate.simulator.server.server import RunningSimulator
from readstate.snapshot.workspace.checkpoint import Checkpoint
from readstate.snapshot.workspace.workspace import export_workspace
from tests.helpers.cli_shell import RunCommand
from tests.helpers.export_command import DAY, EXPORT, ROOT, WORK
from tests.helpers.exporting import assert_same, published_rows, world_rows


def begun(day: str, root: str = "root") -> None:
    """Leave an export of *day* behind that has come as far as its first user."""
    with export_workspace(WORK, root=root, day=date.fromisoformat(day)) as workspace:
        checkpoint = Checkpoint(workspace.checkpoint)
        checkpoint.add_users("IS" + "0" * 32, [User(sid="US" + "0" * 32)], next_page=None)
        checkpoint.set(options={}, run_id="r-1", started_at=f"{day}T00:00:00+00:00", starts=1)
        checkpoint.close()


def test_a_deadline_ends_the_run_resumably_with_the_line_that_goes_on(
    connected: RunCommand, twilio: RunningSimulator
) -> None:
    # The users are known after a second, and read after six.
    twilio.faults = replace(twilio.faults, latency_ms=200)
    words = ["export", "--out=root", "--max-in-flight", "2", "--deadline", "3"]

    stopped = connected(*words)
    line = re.search(r"To resume:  readstate (.*)", stopped.stderr)
    assert line is not None, stopped.stderr
    twilio.faults = replace(twilio.faults, latency_ms=0)
    resumed = connected(*line[1].replace("--deadline 3", "--deadline 5h").split(), "--json")

    assert stopped.code == ExitCode.STOPPED_EARLY
    assert "the deadline has come" in stopped.stderr
    assert re.fullmatch(r"export --out=root --max-in-flight 2 --deadline 3 --date \d{4}-\d\d-\d\d", line[1])
    assert resumed.code == ExitCode.DONE, resumed.stderr
    assert resumed.document["manifest"]["starts"] == 2
    assert "resuming r-" in resumed.stderr
    assert_same(published_rows(ROOT), world_rows(twilio))


def test_the_line_that_goes_on_holds_the_date_once_and_never_begins_anew(
    connected: RunCommand, twilio: RunningSimulator
) -> None:
    twilio.faults = replace(twilio.faults, latency_ms=100)

    stopped = connected("export", *DAY, "--out", "my root", "--restart", "--deadline", "0.3")

    assert stopped.stderr.rstrip().endswith("readstate export --out 'my root' --deadline 0.3 --date 2024-11-23")


def test_an_unfinished_export_of_another_date_is_named_with_the_line_that_resumes_it(connected: RunCommand) -> None:
    begun("2024-11-20")
    begun("2024-11-21", root="another root")

    output = connected(*EXPORT)

    assert output.code == ExitCode.DONE
    (line,) = [line for line in output.stderr.splitlines() if "unfinished" in line]
    assert line.startswith("The export of 2024-11-20 is unfinished.")
    assert line.endswith("readstate export --out root --date 2024-11-20")


@pytest.mark.parametrize(
    ("before", "message"),
    [("other options", "was started with other options"), ("another version", "was started with another version")],
)
def test_what_cannot_be_resumed_is_refused_and_restart_begins_anew(
    before: str, message: str, connected: RunCommand
) -> None:
    begun("2024-11-23")
    if before == "another version":
        (path,) = WORK.glob("exports/*/checkpoint.sqlite")
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA user_version = 0")

    refused = connected(*EXPORT, "--limit-users", "3")
    anew = connected(*EXPORT, "--limit-users", "3", "--restart", "--json")

    assert refused.code == ExitCode.BAD_INPUT
    assert message in refused.stderr
    assert "--restart" in refused.stderr
    assert anew.code == ExitCode.DONE, anew.stderr
    assert (anew.document["manifest"]["starts"], anew.document["manifest"]["users"]["listed"]) == (1, 3)


def test_an_outage_is_told_and_resumable(connected: RunCommand) -> None:
    output = connected(*EXPORT, env={"READSTATE_BASE_URL": "http://127.0.0.1:9", "READSTATE_MAX_ATTEMPTS": "2"})

    assert output.code == ExitCode.STOPPED_EARLY
    assert "cannot connect to http://127.0.0.1:9" in output.stderr
    assert "readstate export --out root" in output.stderr
