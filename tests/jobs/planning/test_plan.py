import json
from pathlib import Path

from readstate.errors import ExitCode
from readstate.simulator.server.server import RunningSimulator
from readstate_jobs.cli.caller import os_user
from tests.helpers.changes_files import open_rows, write_lines
from tests.helpers.cli_shell import RunCommand


def test_a_plan_is_shown_and_nothing_was_changed(
    twilio: RunningSimulator, connected: RunCommand, changes: Path
) -> None:
    twilio.reset_counters()

    planned = connected("plan", str(changes))

    assert planned.code == 0
    assert "~ update     3" in planned.stdout
    assert "needs --confirm-deletes 1" in planned.stdout
    assert "To apply:  readstate apply plans/p-" in planned.stdout
    (directory,) = Path("plans").iterdir()
    assert {path.name for path in directory.iterdir()} == {
        "manifest.json", "rows.parquet", "participants.jsonl.gz", "rejects.csv", "summary.txt", "summary.md",
        "summary.json", "summary.html",
    }  # fmt: skip
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}
    assert {method for method, _, _ in twilio.counters().answers} == {"GET"}
    assert not twilio.effects()
    written = "".join(path.read_text(errors="replace") for path in directory.iterdir())
    assert twilio.credentials.auth_token not in written


def test_machines_get_one_document_and_their_own_exit_code(connected: RunCommand, changes: Path) -> None:
    planned = connected("plan", str(changes), "--json", "--detailed-exitcode", "-o", "here")

    assert planned.code == ExitCode.CHANGES_PRESENT
    document = planned.document
    assert Path(document["plan_dir"]).name == document["plan_id"]
    assert (document["counts"]["update"], document["counts"]["delete"]) == (3, 1)
    assert any(guard["needs"] == "--confirm-deletes 1" for guard in document["guards"])


def test_a_plan_without_changes_exits_with_0_even_in_detail(twilio: RunningSimulator, connected: RunCommand) -> None:
    row = open_rows(twilio)[0]
    line = f"{row['user_sid']},{row['conversation_sid']},{row['notification_level']}"
    file = write_lines("same.csv", "user,conversation,notification_level", line)

    planned = connected("plan", str(file), "--op", "update", "--detailed-exitcode")

    assert planned.code == 0
    assert "To apply:" not in planned.stdout


def test_bad_lines_stop_a_plan_or_are_left_out_of_it(twilio: RunningSimulator, connected: RunCommand) -> None:
    row = open_rows(twilio)[0]
    good = f"{row['user_sid']},{row['conversation_sid']},@latest"
    file = str(write_lines("mixed.csv", "user,conversation,last_read_message_index", good, "..,x,1"))

    stopped = connected("plan", file, "--op", "update")
    assert stopped.code == ExitCode.BAD_INPUT
    assert "E-DOT-SEGMENT" in stopped.stdout
    assert "--on-invalid skip" in stopped.stderr
    assert [path.name for path in Path("plans").iterdir()] == ["mixed.csv.rejects.csv"]
    assert connected("plan", file, "--op", "update", "--json").document["errors"] == 1

    planned = connected("plan", file, "--op", "update", "--on-invalid", "skip")
    assert planned.code == 0
    assert "x invalid" in planned.stdout


def test_a_file_without_lines_is_refused(connected: RunCommand) -> None:
    refused = connected("plan", str(write_lines("empty.csv", "user,conversation")), "--op", "delete")

    assert refused.code == ExitCode.BAD_INPUT
    assert "no lines to plan" in refused.stderr


def test_the_manifest_names_author_build_and_key(
    twilio: RunningSimulator, connected: RunCommand, changes: Path
) -> None:
    key = {"TWILIO_API_KEY": twilio.credentials.api_key, "TWILIO_API_SECRET": twilio.credentials.api_secret}
    planned = connected("plan", str(changes), "--json", env={"CI_JOB_URL": "https://ci.example/7"} | key)

    manifest = json.loads((Path(planned.document["plan_dir"]) / "manifest.json").read_text())
    assert manifest["planner"]["os_user"] == os_user()
    assert manifest["planner"]["ci_url"] is not None
    assert manifest["api_key_sid_suffix"] == twilio.credentials.api_key[-4:]
