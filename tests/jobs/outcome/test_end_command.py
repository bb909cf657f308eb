"""The command of a person hears the outcome, gets no secret, and is ended in time."""

import json
from pathlib import Path

import pytest

from readstate_jobs.outcome import end_command
from readstate_jobs.outcome.end_command import run_end_command
from tests.helpers.outcomes import outcome

pytestmark = pytest.mark.process

FAILED = outcome(15, "the deadline has come", "To resume:  readstate export")


def test_the_outcome_is_in_its_environment_and_on_its_stdin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "a secret")
    monkeypatch.setenv("EMEA_TOKEN", "of a profile")

    assert run_end_command("cat > stdin; env > environment", FAILED, ["of a profile"]) is None

    assert json.loads(Path("stdin").read_text()) == {
        "command": "export",
        "outcome": "failure",
        "exit_code": 15,
        "text": "readstate export: exit code 15: the deadline has come",
        "message": "the deadline has come",
        "hint": "To resume:  readstate export",
        "started_at": "2026-11-23T12:00:00.000+00:00",
        "ended_at": "2026-11-23T12:00:00.000+00:00",
        "seconds": 0.0,
    }
    environment = Path("environment").read_text()
    assert "ON_END_EXIT_CODE=15\n" in environment
    assert "ON_END_OUTCOME=failure\n" in environment
    assert "a secret" not in environment
    assert "EMEA_TOKEN" not in environment


@pytest.mark.parametrize(
    ("command", "problem"),
    [("exit 7", "ended with 7"), ("exec no-such-command", "ended with 127"), ("sleep 60 & wait", "took longer than")],
)
def test_what_goes_wrong_with_it_is_returned(command: str, problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(end_command, "MOST_SECONDS", 0.3)

    assert problem in str(run_end_command(command, FAILED))


def test_one_that_does_not_read_its_stdin_is_no_problem() -> None:
    assert run_end_command("exec true", outcome(message="x" * 200_000)) is None
