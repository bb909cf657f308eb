import json
import re
from base64 import b64encode
from pathlib import Path

import pytest
from msgspec.structs import replace

from readstate.errors import ExitCode
from readstate.simulator.server.server import RunningSimulator
from readstate.snapshot.workspace.workspace import Workspace
from tests.helpers.cli_shell import RunCommand
from tests.helpers.export_command import EXPORT, WORK, families, make_long_lists_fail, sample


def test_the_metrics_file_is_prometheus_text_that_agrees_with_the_manifest(connected: RunCommand) -> None:
    metrics = Path("readstate.prom")

    manifest = connected(*EXPORT, "--metrics-file", str(metrics), "--json").document["manifest"]

    assert sample(metrics, "readstate_rows_total", command="export") == manifest["rows"]
    assert sample(metrics, "readstate_users_total", result="read") == manifest["users"]["read"]
    assert sample(metrics, "readstate_requests_total", status="200") == manifest["requests"]["requests"]
    assert sample(metrics, "readstate_last_success_timestamp_seconds") > 1.7e9
    for family in families(metrics).values():
        assert family.documentation, family.name
        assert family.type in {"counter", "gauge"}, family.name
    assert list(metrics.parent.glob("readstate.prom?*")) == [], "no half-written file stays"


def test_json_log_lines_are_objects_and_failures_hold_the_request_id(
    connected: RunCommand, twilio: RunningSimulator
) -> None:
    users = list(twilio.world.default_service.users())
    Path("users.txt").write_text("".join(f"{user.sid}\n" for user in users))
    twilio.faults = replace(twilio.faults, error_share=0.15, html_share=0.0)

    chosen = ("--users", "users.txt", "--service", twilio.world.default_service.sid)
    output = connected(*EXPORT, *chosen, "--log-format", "json", "--json", env={"READSTATE_MAX_ATTEMPTS": "1"})

    lines = [json.loads(line) for line in output.stderr.splitlines()]
    assert output.code == ExitCode.SOME_FAILED, output.stderr
    assert all({"time", "level", "event", "message"} <= line.keys() for line in lines)
    failures = [line for line in lines if line["event"] == "user_failed"]
    assert output.document["manifest"]["users"]["failed"] == len(failures) > 0
    assert all(re.fullmatch("RQ[0-9a-f]{32}", line["request_id"]) for line in failures)
    assert all(line["request_id"] in line["message"] for line in failures)


def test_refused_credentials_are_code_14_and_leave_nothing_to_resume(connected: RunCommand) -> None:
    output = connected(*EXPORT, env={"TWILIO_AUTH_TOKEN": "0" * 32})

    assert output.code == ExitCode.NOT_PERMITTED
    assert "401" in output.stderr
    assert "readstate doctor" in output.stderr
    assert "To resume" not in output.stderr
    assert not any(WORK.glob("exports/*"))


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is removed, so that a test can look at it."""
    monkeypatch.setattr(Workspace, "remove", lambda _workspace: None)


@pytest.mark.usefixtures("kept")
def test_no_secret_reaches_any_file_or_stream(
    connected: RunCommand, twilio: RunningSimulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    make_long_lists_fail(twilio)
    secret = twilio.credentials.auth_token
    basic = b64encode(f"{twilio.credentials.account_sid}:{secret}".encode())

    outputs = [
        connected(*EXPORT, "--metrics-file", "m.prom"),
        connected("export", "--out", "root2", "--log-format", "json", "--json"),
        connected("settings"),
        connected("settings", "--json"),
        connected("doctor", "--out", "root"),
    ]
    twilio.faults = replace(twilio.faults, suspended=True)
    outputs.append(connected("export", "--out", "root3"))

    assert {output.code for output in outputs} >= {ExitCode.SOME_FAILED, ExitCode.NOT_PERMITTED, ExitCode.DONE}
    for output in outputs:
        assert basic.decode() not in output.stdout + output.stderr
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "checkpoint.sqlite" for path in files)
    for path in files:
        content = path.read_bytes()
        assert secret.encode() not in content, path
        assert basic not in content, path
