import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from readstate.errors import ExitCode
from readstate.simulator.api.credentials import Credentials
from readstate.simulator.server.server import RunningSimulator
from readstate.snapshot.published.snapshot_store import SnapshotStore
from readstate_jobs.tools import doctor
from tests.helpers.cli_shell import CommandOutput, RunCommand

SIMULATED = Credentials()


def marks(output: CommandOutput) -> dict[str, str]:
    """The mark of each subject; a subject with both counts as a cross."""
    found: dict[str, str] = {}
    for line in output.stdout.splitlines():
        if line[:1] in {"✓", "✗"}:
            subject = line[2:14].strip()
            found[subject] = "✗" if "✗" in {line[0], found.get(subject)} else "✓"
    return found


def test_where_all_is_well_everything_has_a_tick(connected: RunCommand, twilio: RunningSimulator) -> None:
    output = connected("doctor", "--out", "root")

    assert output.code == ExitCode.DONE
    assert set(marks(output).values()) == {"✓"}
    assert marks(output).keys() == {
        "settings", "address", "work folder", "temporary", "root", "transport", "credentials", "clock", "service",
        "permission",
    }  # fmt: skip
    assert "from environment READSTATE_BASE_URL" in output.stdout
    assert f"{twilio.world.default_service.sid} Default Conversations Service (default)" in output.stdout
    assert "0 snapshots" in output.stdout
    assert " free" in output.stdout


def test_with_json_it_is_one_document_with_the_same_findings(connected: RunCommand, tmp_path: Path) -> None:
    document = connected("doctor", "--out", "root", "--json").document

    assert document["good"] is True
    assert all(finding.keys() == {"subject", "good", "text", "hint"} for finding in document["findings"])
    assert {finding["subject"] for finding in document["findings"]} >= {"settings", "credentials", "clock", "service"}
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [], "it leaves nothing behind"


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "→ Export TWILIO_API_KEY and TWILIO_API_SECRET"),
        ({}, "→ To try without an account: readstate demo"),
        ({"TWILIO_API_KEY": "SK" + "0" * 32}, "TWILIO_API_SECRET is not set"),
    ],
)
def test_missing_credentials_are_named(environment: dict[str, str], message: str, readstate: RunCommand) -> None:
    output = readstate("doctor", env=environment)

    assert output.code == ExitCode.NOT_PERMITTED
    assert marks(output)["credentials"] == "✗"
    assert message in output.stdout


@pytest.mark.parametrize(
    ("environment", "faults", "code", "subject", "message"),
    [
        ({"TWILIO_AUTH_TOKEN": "0" * 32}, {}, ExitCode.NOT_PERMITTED, "credentials",
         ["401", "RQ", "TWILIO_API_KEY with TWILIO_API_SECRET"]),
        ({"TWILIO_API_KEY": SIMULATED.api_key, "TWILIO_API_SECRET": SIMULATED.api_secret,
          "TWILIO_ACCOUNT_SID": "AC" + "9" * 32}, {}, ExitCode.NOT_PERMITTED, "credentials",
         [f"names AC{'9' * 32}", f"belongs to {SIMULATED.account_sid}", "unset TWILIO_ACCOUNT_SID"]),
        ({}, {"region_disabled": True}, ExitCode.NOT_PERMITTED, "credentials", ["403"]),
        ({"READSTATE_BASE_URL": "http://127.0.0.1:9"}, {}, ExitCode.SOME_FAILED, "connection", ["base_url"]),
        ({}, {"outage": "503"}, ExitCode.SOME_FAILED, "connection", ["status.twilio.com"]),
    ],
)  # fmt: skip
def test_credentials_that_are_refused_are_told_from_a_connection_that_fails(
    *, environment: dict[str, str], faults: dict[str, Any], code: ExitCode, subject: str, message: list[str],
    connected: RunCommand, twilio: RunningSimulator,
) -> None:  # fmt: skip
    twilio.faults = replace(twilio.faults, **faults)

    output = connected("doctor", env=environment)

    assert output.code == code
    assert {name for name, mark in marks(output).items() if mark == "✗"} == {subject}
    assert all(text in output.stdout for text in message)
    assert "readstate doctor" not in output.stdout, "which would send people in a circle"


@pytest.mark.parametrize(
    ("faults", "message"),
    [
        ({"requests_per_second_cap": 0.001, "requests_burst": 0}, "refused with 429"),
        ({"outage": "hang"}, "did not answer all questions"),
    ],
)
def test_it_ends_in_time_whatever_the_account_answers(
    faults: dict[str, Any],
    message: str,
    connected: RunCommand,
    twilio: RunningSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert doctor.LONGEST_SECONDS <= 25, "half a minute, with the other checks"
    monkeypatch.setattr(doctor, "LONGEST_SECONDS", 0.5)
    twilio.faults = replace(twilio.faults, **faults)

    output = connected("doctor")

    assert output.code == ExitCode.SOME_FAILED
    assert marks(output)["connection"] == "✗"
    assert message in output.stdout


@pytest.mark.parametrize("seconds", [-400.0, 400.0])
def test_a_clock_that_is_wrong_is_a_cross_with_the_difference(
    seconds: float, connected: RunCommand, twilio: RunningSimulator
) -> None:
    twilio.faults = replace(twilio.faults, clock_skew_seconds=seconds)

    output = connected("doctor", "--json")

    (finding,) = [found for found in output.document["findings"] if found["subject"] == "clock"]
    assert output.code == ExitCode.SOME_FAILED
    assert finding["good"] is False
    assert abs(float(finding["text"].split()[0]) + seconds) <= 2
    assert "Set the clock" in finding["hint"]


@pytest.mark.parametrize(
    ("option", "subject", "message"),
    [("--out", "root", "→ Check that the root exists"), ("--work-dir", "work folder", "--work-dir")],
)
def test_a_folder_that_cannot_be_written_is_a_cross_and_the_rest_is_checked_too(
    option: str, subject: str, message: str, connected: RunCommand
) -> None:
    Path("folder").write_text("a file, not a folder")

    output = connected("doctor", option, "folder")

    assert output.code == ExitCode.SOME_FAILED
    assert marks(output)[subject] == "✗"
    assert marks(output)["credentials"] == "✓"
    assert message in output.stdout


@pytest.mark.parametrize(
    ("place", "name", "value", "subject", "message"),
    [
        (SnapshotStore, "supports_conditional_put", lambda _: False, "root", "at once, the last one wins"),
        (tempfile, "tempdir", "/missing", "temporary", "→ Set TMPDIR"),
        (shutil, "disk_usage", lambda _: SimpleNamespace(free=10**6), "work folder", "1.0 MB free"),
    ],
    ids=["a root that ignores conditions", "no folder for temporary files", "a full disk"],
)
def test_what_is_wrong_with_the_disk_or_the_root_is_a_cross(
    *, place: object, name: str, value: object, subject: str, message: str,
    connected: RunCommand, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(place, name, value)

    output = connected("doctor", "--out", "root")

    assert output.code == ExitCode.SOME_FAILED
    assert marks(output)[subject] == "✗"
    assert message in output.stdout


def test_a_wrong_setting_is_a_cross_and_no_crash(connected: RunCommand) -> None:
    output = connected("doctor", env={"READSTATE_MAX_OUTAGE": "a while"})

    assert output.code == ExitCode.SOME_FAILED
    assert marks(output) == {"settings": "✗"}
    assert "environment READSTATE_MAX_OUTAGE: max_outage: 'a while' is not a duration" in output.stdout


def test_a_work_folder_that_others_may_write_to_is_a_cross_and_nothing_is_written_there(
    connected: RunCommand, tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)

    output = connected("doctor", "--work-dir", str(shared))

    assert output.code == ExitCode.SOME_FAILED
    assert "other users may write to it" in output.stdout
    assert list(shared.iterdir()) == []
