import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from readstate.errors import ExitCode, Stopped
from readstate.simulator.server.server import RunningSimulator
from readstate.stop import StopReason, StopSwitch
from readstate_jobs.cli.event_loop import run, run_cancellable
from tests.helpers.processes import LONGEST_SECONDS, environment, start, start_and_hold, wait_until
from tests.helpers.repository import ROOT


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, ExitCode.INTERRUPTED), (signal.SIGTERM, ExitCode.TERMINATED)]
)
def test_a_signal_asks_the_run_to_stop_and_says_that_it_will(
    number: signal.Signals, code: ExitCode, capsys: pytest.CaptureFixture[str]
) -> None:
    async def work(stop: StopSwitch) -> StopReason:
        os.kill(os.getpid(), number)
        return await stop.wait()

    reason = run(work)

    assert reason.exit_code == code
    assert reason.text == f"stopped by {number.name}"
    assert f"{number.name}: finishing what is in flight" in capsys.readouterr().err


def test_a_signal_ends_a_reading_that_waits_for_twilio_to_come_back() -> None:
    async def outage(_stop: StopSwitch) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(30)

    with pytest.raises(Stopped, match="stopped by SIGINT") as stopped:
        run_cancellable(outage)

    assert stopped.value.exit_code == ExitCode.INTERRUPTED
    assert stopped.value.hint == "Nothing was planned or changed: run the command again."


@pytest.mark.parametrize(
    "line",
    ["plan {0}/changes.csv --op delete -o {0}", "mark-read --all -o {0}", "export --out {0} --dry-run", "doctor"],
)
def test_what_only_reads_ends_at_the_first_ctrl_c_although_nothing_answers(
    line: str, twilio: RunningSimulator, tmp_path: Path
) -> None:
    (tmp_path / "changes.csv").write_text("user,conversation\nUS" + "0" * 32 + ",CH" + "0" * 32 + "\n")
    unanswered = {"READSTATE_READ_TIMEOUT_SECONDS": "600", "READSTATE_REQUEST_TIMEOUT_SECONDS": "600"}
    twilio.faults = replace(twilio.faults, outage="hang")
    process = start(line.format(tmp_path).split(), environment(twilio, tmp_path, **unanswered))
    wait_until(lambda: twilio.counters().connections > 0, process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=LONGEST_SECONDS)

    assert process.returncode == ExitCode.INTERRUPTED, errors
    assert "run the command again" in errors


def test_a_cancellation_without_a_signal_stays_one() -> None:
    async def cancelled(_stop: StopSwitch) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        run_cancellable(cancelled)


def test_without_uvloop_the_loop_of_python_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)

    async def kind(stop: StopSwitch) -> str:
        return type(asyncio.get_running_loop()).__module__

    assert run(kind).startswith("asyncio.")


def test_ctrl_c_twice_leaves_at_once_with_the_code_of_the_signal(twilio: RunningSimulator, tmp_path: Path) -> None:
    unanswered = {"READSTATE_READ_TIMEOUT_SECONDS": "600", "READSTATE_REQUEST_TIMEOUT_SECONDS": "600"}
    words = ["export", "--out", str(tmp_path / "root"), "--max-in-flight", "2", "--grace", "600s"]
    process = start_and_hold(words, environment(twilio, tmp_path, **unanswered), twilio)
    assert process.stderr is not None
    process.send_signal(signal.SIGINT)
    errors = next(line for line in process.stderr if line.startswith("SIGINT"))
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=LONGEST_SECONDS)

    assert "a second one exits at once" in errors
    assert "exiting at once" in rest
    assert process.returncode == ExitCode.INTERRUPTED


def in_a_terminal(words: list[str], env: dict[str, str]) -> tuple[int, str]:
    """Run ``readstate`` in a terminal of 80 columns, with a person who only watches; give the code and the screen."""
    code = (
        "import os, pty, sys\n"
        "status = pty.spawn([sys.executable, '-m', 'readstate_jobs', *sys.argv[1:]])\n"
        "sys.exit(os.waitstatus_to_exitcode(status))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code, *words],
        env=env | {"COLUMNS": "80"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    return shown.returncode, shown.stdout.decode()


@pytest.mark.parametrize(("term", "draws"), [("xterm-256color", True), ("dumb", False)])
def test_only_a_terminal_that_can_gets_a_bar_drawn(
    term: str, draws: bool, twilio: RunningSimulator, tmp_path: Path
) -> None:
    twilio.faults = replace(twilio.faults, latency_ms=20)
    words = ["export", "--out", str(tmp_path / "root"), "--max-in-flight", "5"]

    code, screen = in_a_terminal(words, environment(twilio, tmp_path, TERM=term))

    assert code == ExitCode.DONE, screen
    assert ("━" in screen and bool(re.search(r"\d+ of \d+", screen))) is draws
    assert ("\x1b" in screen) is draws
    assert "users read" in screen
