"""``readstate doctor``: a tick for what is well, a cross with what to do for what is not."""

import os
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from readstate.errors import ExitCode
from readstate.simulator.server.server import RunningSimulator
from readstate.snapshot.published.snapshot_store import SnapshotStore
from tests.helpers.cli_shell import CommandOutput, RunCommand


def marks(given: CommandOutput) -> dict[str, str]:
    """The mark of each subject; a subject with both counts as a cross."""
    found: dict[str, str] = {}
    for line in given.stdout.splitlines():
        if line[:1] in {"✓", "✗"}:
            subject = line[2:14].strip()
            found[subject] = "✗" if "✗" in {line[0], found.get(subject)} else "✓"
    return found


def test_where_all_is_well_everything_has_a_tick(connected: RunCommand, twilio: RunningSimulator) -> None:
    given = connected("doctor", "--out", "root")

    subjects = [
        "settings",
        "address",
        "work folder",
        "root",
        "credentials",
        "clock",
        "service",
        "permission",
    ]
    assert given.code == ExitCode.DONE
    assert marks(given) == dict.fromkeys(subjects, "✓")
    assert "from environment READSTATE_BASE_URL" in given.stdout
    assert f"{twilio.world.default_service.sid} Default Conversations Service (default)" in given.stdout
    assert "0 snapshots" in given.stdout
    assert " free" in given.stdout


def test_with_json_it_is_one_document_with_the_same_findings(connected: RunCommand) -> None:
    document = connected("doctor", "--json").document

    assert document["good"] is True
    assert all(finding.keys() == {"subject", "good", "text", "hint"} for finding in document["findings"])
    assert {finding["subject"] for finding in document["findings"]} >= {"settings", "credentials", "clock", "service"}


def test_it_leaves_nothing_behind_but_the_folders(connected: RunCommand, tmp_path: Path) -> None:
    connected("doctor", "--out", "root")

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_root_that_ignores_conditions_is_told(connected: RunCommand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SnapshotStore, "supports_conditional_put", lambda _self: False)

    given = connected("doctor", "--out", "root")

    assert given.code == ExitCode.SOME_FAILED
    assert "when two processes publish at once, the last one wins" in given.stdout


def test_without_credentials_it_says_which_variables_to_export(readstate: RunCommand) -> None:
    given = readstate("doctor")

    assert given.code == ExitCode.NOT_PERMITTED
    assert marks(given)["credentials"] == "✗"
    assert "→ Export TWILIO_API_KEY and TWILIO_API_SECRET" in given.stdout
    assert "→ To try without an account: readstate demo" in given.stdout


def test_half_a_key_is_named(readstate: RunCommand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_API_KEY", "SK" + "0" * 32)

    given = readstate("doctor")

    assert given.code == ExitCode.NOT_PERMITTED
    assert "TWILIO_API_SECRET is not set" in given.stdout


def test_wrong_credentials_are_a_cross_that_does_not_send_people_in_a_circle(
    connected: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "0" * 32)

    given = connected("doctor", "--json")

    (finding,) = [found for found in given.document["findings"] if found["subject"] == "credentials"]
    assert given.code == ExitCode.NOT_PERMITTED
    assert given.document["good"] is finding["good"] is False
    assert "401" in finding["text"]
    assert "RQ" in finding["text"], "the request id, for Twilio's support"
    assert "TWILIO_API_KEY with TWILIO_API_SECRET" in finding["hint"]
    assert "readstate doctor" not in finding["hint"]


def test_a_region_without_conversations_is_a_cross(connected: RunCommand, twilio: RunningSimulator) -> None:
    twilio.faults = replace(twilio.faults, region_disabled=True)

    given = connected("doctor")

    assert given.code == ExitCode.NOT_PERMITTED
    assert marks(given)["credentials"] == "✗"
    assert "403" in given.stdout


@pytest.mark.parametrize("seconds", [-400.0, 400.0])
def test_a_clock_that_is_wrong_is_a_cross_with_the_difference(
    seconds: float, connected: RunCommand, twilio: RunningSimulator
) -> None:
    twilio.faults = replace(twilio.faults, clock_skew_seconds=seconds)

    given = connected("doctor", "--json")

    (finding,) = [found for found in given.document["findings"] if found["subject"] == "clock"]
    assert given.code == ExitCode.SOME_FAILED
    assert finding["good"] is False
    assert abs(float(finding["text"].split()[0]) + seconds) <= 2
    assert "Set the clock" in finding["hint"]


def test_a_root_that_cannot_be_written_is_a_cross_and_the_rest_is_checked_too(connected: RunCommand) -> None:
    Path("root").write_text("a file, not a folder")

    given = connected("doctor", "--out", "root")

    assert given.code == ExitCode.SOME_FAILED
    assert marks(given)["root"] == "✗"
    assert marks(given)["credentials"] == "✓"
    assert "→ Check that the root exists" in given.stdout


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_root_without_permission_is_a_cross(connected: RunCommand) -> None:
    Path("root").mkdir(mode=0o500)

    assert marks(connected("doctor", "--out", "root"))["root"] == "✗"


def test_a_work_folder_that_cannot_be_written_is_a_cross_with_the_option(connected: RunCommand) -> None:
    Path("work").write_text("a file, not a folder")

    given = connected("doctor", "--work-dir", "work")

    assert given.code == ExitCode.SOME_FAILED
    assert marks(given)["work folder"] == "✗"
    assert "--work-dir" in given.stdout


def test_a_full_disk_is_a_cross(connected: RunCommand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10**6))

    given = connected("doctor")

    assert given.code == ExitCode.SOME_FAILED
    assert marks(given)["work folder"] == "✗"
    assert "1.0 MB free" in given.stdout


def test_an_address_where_nobody_listens_is_about_the_connection_and_not_the_credentials(
    connected: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("READSTATE_BASE_URL", "http://127.0.0.1:9")

    given = connected("doctor")

    assert given.code == ExitCode.SOME_FAILED
    assert marks(given)["connection"] == "✗"
    assert "credentials" not in marks(given)
    assert "base_url" in given.stdout


def test_an_outage_is_about_the_connection(connected: RunCommand, twilio: RunningSimulator) -> None:
    twilio.faults = replace(twilio.faults, outage="503")

    given = connected("doctor")

    assert given.code == ExitCode.SOME_FAILED
    assert marks(given)["connection"] == "✗"
    assert "status.twilio.com" in given.stdout


def test_a_wrong_setting_is_a_cross_and_no_crash(connected: RunCommand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("READSTATE_MAX_OUTAGE", "a while")

    given = connected("doctor")

    assert given.code == ExitCode.SOME_FAILED
    assert marks(given) == {"settings": "✗"}
    assert "environment READSTATE_MAX_OUTAGE: max_outage: 'a while' is not a duration" in given.stdout
