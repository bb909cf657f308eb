"""``readstate export`` as readstate: what it takes, what it says, what its code is, and what it never lets out."""

import json
import re
import shutil
import sqlite3
from base64 import b64encode
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import time_machine
from prometheus_client.parser import text_string_to_metric_families

from readstate.errors import ExitCode
from readstate.model.resources import User
from readstate.simulator.server.server import RunningSimulator
from readstate.snapshot.workspace.checkpoint import Checkpoint
from readstate.snapshot.workspace.workspace import export_workspace
from tests.helpers.cli_shell import RunCommand
from tests.helpers.exporting import assert_same, world_rows
from tests.helpers.published import published_rows

DAY = ["--date", "2024-11-23"]
EXPORT = ["export", "--out", "root", *DAY]
ROOT = Path("root")
WORK = Path("home/.local/state/readstate")


def failing(twilio: RunningSimulator) -> None:
    """Let every list of more than a page lead back to itself: who has more than 50 conversations cannot be read."""
    twilio.faults = replace(twilio.faults, page_loop_share=1.0)


# -- what a run gives


def test_it_publishes_the_world_and_says_so_in_a_table(connected: RunCommand, twilio: RunningSimulator) -> None:
    given = connected(*EXPORT)

    assert given.code == ExitCode.DONE, given.stderr
    assert_same(published_rows(ROOT), world_rows(twilio))
    table = dict(re.findall(r"^(\w[\w ()]*?)  +(\S.*)$", given.stdout, re.MULTILINE))
    assert table["users read"] == "60"
    assert table["users vanished"] == table["users failed"] == "0"
    assert table["conversations"].replace(" ", "") == str(len(world_rows(twilio)))
    assert table["complete"] == "yes"
    assert "Published root/_snapshots/2024-11-23.json" in given.stdout
    assert not any(WORK.glob("exports/*")), "finished work leaves nothing behind"


def test_with_json_stdout_is_one_document_that_holds_the_manifest(connected: RunCommand) -> None:
    given = connected(*EXPORT, "--json")

    assert given.code == ExitCode.DONE
    assert given.document["already_published"] is False
    assert given.document["manifest"] == json.loads((ROOT / given.document["manifest_path"]).read_text())


def test_a_published_date_is_left_alone_and_again_replaces_it(connected: RunCommand, twilio: RunningSimulator) -> None:
    connected(*EXPORT)
    asked = twilio.counters().requests

    told = connected(*EXPORT)
    document = connected(*EXPORT, "--json").document
    assert twilio.counters().requests == asked
    again = connected(*EXPORT, "--again", "--json").document

    assert told.code == ExitCode.DONE
    assert "published already" in told.stdout
    assert "--again" in told.stdout
    assert document["already_published"] is True
    assert again["manifest"]["run_id"] != document["manifest"]["run_id"]
    assert len(list(ROOT.glob("user_conversations/*/*.parquet"))) == 1


def test_rows_and_files_and_users_add_up_in_the_manifest(connected: RunCommand, twilio: RunningSimulator) -> None:
    twilio.faults = replace(twilio.faults, vanished_users_share=0.1, repeat_row_share=0.3)

    manifest = connected(*EXPORT, "--json").document["manifest"]

    users = manifest["users"]
    assert users["listed"] == users["read"] + users["vanished"] + users["failed"] == 60
    assert users["vanished"] > 0
    files = [file["rows"] for file in manifest["files"] if file["dataset"] == "user_conversations"]
    assert manifest["rows"] == sum(files) == len(published_rows(ROOT))


# -- what it takes


def test_a_dry_run_reads_the_roster_alone_and_publishes_nothing(
    connected: RunCommand, twilio: RunningSimulator
) -> None:
    given = connected(*EXPORT, "--dry-run", "--json")

    assert given.code == ExitCode.DONE
    assert given.document["users"] == given.document["requests"] == 60
    assert given.document["seconds_by_requests_in_flight"].keys() == {"10", "100"}
    assert not ROOT.exists()
    assert twilio.counters().requests < 10


def test_a_dry_run_tells_people_the_time_to_expect(connected: RunCommand) -> None:
    given = connected(*EXPORT, "--dry-run")

    assert re.search(r"users +60\n", given.stdout)
    assert re.search(r"time at 100 in flight +about [\d.]+ s\n", given.stdout)


def test_a_trial_reads_no_more_users_than_asked(connected: RunCommand) -> None:
    manifest = connected(*EXPORT, "--limit-users", "7", "--json").document["manifest"]

    assert manifest["users"]["listed"] == 7
    assert manifest["roster"]["limit"] == 7


def test_services_are_chosen_by_name(connected: RunCommand, twilio: RunningSimulator) -> None:
    default = twilio.world.default_service.sid

    manifest = connected(*EXPORT, "--service", "default", "--json").document["manifest"]

    assert [service["chat_service_sid"] for service in manifest["services"]] == [default]
    assert {key[0] for key in published_rows(ROOT)} == {default}


def test_chosen_columns_are_filled_and_all_others_stay_empty(connected: RunCommand) -> None:
    given = connected(*EXPORT, "--columns", "unread_messages_count, identity", "--json")

    rows = published_rows(ROOT).values()
    assert given.code == ExitCode.DONE
    filled = {name for row in rows for name, value in row.items() if value is not None}
    keys = {"chat_service_sid", "user_sid", "conversation_sid", "snapshot_at"}
    assert filled == keys | {"unread_messages_count", "identity"}
    assert "attributes" in next(iter(rows)), "a column never vanishes"


def test_an_unknown_column_is_refused_with_those_that_there_are(
    connected: RunCommand, twilio: RunningSimulator
) -> None:
    given = connected(*EXPORT, "--columns", "identity,unread")

    assert given.code == ExitCode.BAD_INPUT
    assert "there is no column unread" in given.stderr
    assert "unread_messages_count" in given.stderr
    assert twilio.counters().requests == 0


def test_without_personal_data_no_identity_is_on_disk(connected: RunCommand, twilio: RunningSimulator) -> None:
    identities = {user.identity for service in twilio.world.services for user in service.users()}

    given = connected(*EXPORT, "--drop-pii")

    rows = published_rows(ROOT).values()
    assert given.code == ExitCode.DONE
    assert {row[name] for row in rows for name in ("identity", "friendly_name", "attributes")} == {None}
    everything = b"".join(path.read_bytes() for path in ROOT.rglob("*") if path.is_file())
    assert not any(identity.encode() in everything for identity in identities if identity and len(identity) > 5)


def test_columns_and_drop_pii_contradict_each_other(connected: RunCommand) -> None:
    given = connected(*EXPORT, "--columns", "identity", "--drop-pii")

    assert given.code == ExitCode.USAGE
    assert "give one of them" in given.stderr


@pytest.mark.parametrize("word", ["IS123", "none", "IS" + "0" * 32])
def test_a_service_that_does_not_exist_is_refused_and_does_not_spoil_the_date(word: str, connected: RunCommand) -> None:
    refused = connected(*EXPORT, "--service", word)
    corrected = connected(*EXPORT, "--service", "default")

    assert refused.code == ExitCode.BAD_INPUT
    assert word in refused.stderr
    assert corrected.code == ExitCode.DONE, corrected.stderr


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--deadline", "soon"], ExitCode.USAGE, "--deadline"),
        (["--max-failed-users", "few"], ExitCode.BAD_INPUT, "flag --max-failed-users"),
        (["--on-incomplete", "shrug"], ExitCode.USAGE, "--on-incomplete"),
        (["--max-in-flight", "0"], ExitCode.BAD_INPUT, "1 or more"),
        (["--base-url", "http://twilio.example.com"], ExitCode.BAD_INPUT, "clear text"),
        (["--metrics-file", "/nonexistent/readstate.prom"], ExitCode.LOCAL_DISK, "/nonexistent/readstate.prom"),
        (["--config", "missing.toml"], ExitCode.BAD_INPUT, "missing.toml"),
        (["--users", "missing.txt"], ExitCode.BAD_INPUT, "missing.txt"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_asked(
    words: list[str], code: ExitCode, told: str, connected: RunCommand, twilio: RunningSimulator
) -> None:
    given = connected(*EXPORT, *words)

    assert given.code == code
    assert told in given.stderr
    assert given.stdout == ""
    assert twilio.counters().requests == 0


# -- a file of users


WRONG = {
    "US123456789012345678901234567890": "almost a user's SID",
    "CH" + "0" * 32: "a SID of another kind",
    "..": "a dot segment",
    "x" * 257: "longer than 256",
    " ada": "begins or ends with a space",
    "ada\u200b": "invisible character",
    "ad\x07a": "control character",
    "“ada”": "typographic quotes",
    "4.711E+12": "scientific notation",
    "ada,IS12": "not a service's SID",
    "ada,default,more": "more cells than the header",
    ",default": "the user is empty",
}


def test_twelve_kinds_of_wrong_line_are_all_reported_at_once(connected: RunCommand, twilio: RunningSimulator) -> None:
    Path("users.csv").write_text("\n".join(["user,service", "ada", *WRONG, "bob,default"]), encoding="utf-8")

    given = connected(*EXPORT, "--users", "users.csv")

    assert given.code == ExitCode.BAD_INPUT
    assert "12 wrong lines" in given.stderr
    for line, reason in enumerate(WRONG.values(), start=3):
        assert re.search(rf"^  line {line}: .*{reason}", given.stderr, re.MULTILINE), reason
    assert twilio.counters().requests == 0


def test_users_of_a_file_are_read_once_each_by_sid_or_identity(connected: RunCommand, twilio: RunningSimulator) -> None:
    first, second = list(twilio.world.default_service.users())[:2]
    Path("users.txt").write_text(f"{first.sid}\n{second.identity}\n{first.sid}\n", encoding="utf-8")

    manifest = connected(*EXPORT, "--users", "users.txt", "--json").document["manifest"]

    assert manifest["users"] == {"listed": 2, "read": 2, "vanished": 0, "failed": 0}
    assert {key[1] for key in published_rows(ROOT)} <= {first.sid, second.sid}


def test_users_that_nobody_has_are_vanished_and_count_as_done(connected: RunCommand) -> None:
    Path("users.txt").write_text("US" + "0" * 32 + "\nno such person\n")
    metrics = Path("m.prom")

    given = connected(*EXPORT, "--users", "users.txt", "--metrics-file", str(metrics))

    assert given.code == ExitCode.DONE, given.stderr
    assert re.search(r"users vanished +2\n", given.stdout)
    assert "user no such person no longer exists" in given.stderr
    assert sample(metrics, "readstate_users_total", result="vanished") == 2
    assert sample(metrics, "readstate_users_listed") == 2


# -- users that cannot be read


def test_users_that_failed_make_the_snapshot_incomplete_and_the_code_3(
    connected: RunCommand, twilio: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(twilio)

    given = connected(*EXPORT)

    assert given.code == ExitCode.SOME_FAILED
    assert re.search(r"complete +NO\n", given.stdout)
    assert "users could not be read; root/failures says why" in given.stdout
    assert re.search(r"error: user US[0-9a-f]{32} failed: ", given.stderr)
    assert list(ROOT.glob("failures/*/*.parquet"))


def test_too_many_failures_are_refused_where_that_was_asked_and_the_next_run_tries_them_again(
    connected: RunCommand, twilio: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(twilio)
    strict = [*EXPORT, "--on-incomplete", "refuse", "--max-failed-users", "0"]

    refused = connected(*strict)
    twilio.faults = replace(twilio.faults, page_loop_share=0)
    repeated = connected(*strict)

    assert refused.code == ExitCode.GUARD_REFUSED
    assert "more than the 0 allowed: not published" in refused.stderr
    assert repeated.code == ExitCode.DONE, repeated.stderr
    assert_same(published_rows(ROOT), world_rows(twilio))


def test_as_many_as_allowed_may_fail_where_more_are_refused(
    connected: RunCommand, twilio: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(twilio)

    given = connected(*EXPORT, "--on-incomplete", "refuse", "--max-failed-users", "100%")

    assert given.code == ExitCode.SOME_FAILED


@pytest.mark.parametrize(
    ("day", "code"),
    [
        ("2024-11-24", ExitCode.NOT_PERMITTED),  # no credentials: that is asked later
        ("2024-11-25", ExitCode.BAD_INPUT),
        ("9999-12-31", ExitCode.BAD_INPUT),
    ],
)
@pytest.mark.parametrize("more", [[], ["--dry-run"], ["--shard", "1/2", "--run", "nightly"]])
def test_a_day_is_refused_before_it_has_begun_anywhere_on_earth(
    readstate: RunCommand, day: str, code: ExitCode, more: list[str]
) -> None:
    with time_machine.travel("2024-11-23T10:00:00Z"):  # when it is midnight at UTC+14
        given = readstate("export", "--out", "root", "--date", day, *more)

    assert given.code == code
    if code == ExitCode.BAD_INPUT:
        assert f"--date {day} is in the future; today, in UTC, is 2024-11-23" in given.stderr
        assert "or correct it:  --date 2024-11-23" in given.stderr


# -- stopped, and going on


def begun(day: str, root: str = "root") -> None:
    """Leave an export of *day* behind that has come as far as its first user."""
    with export_workspace(WORK, root=root, day=date.fromisoformat(day)) as workspace:
        checkpoint = Checkpoint(workspace.checkpoint)
        checkpoint.add_users("IS" + "0" * 32, [User(sid="US" + "0" * 32)], next_page=None)
        checkpoint.remember(options={}, run_id="r-1", started_at=f"{day}T00:00:00+00:00", starts=1)
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
    connected: RunCommand, monkeypatch: pytest.MonkeyPatch, twilio: RunningSimulator
) -> None:
    twilio.faults = replace(twilio.faults, latency_ms=100)

    stopped = connected("export", *DAY, "--out", "my root", "--restart", "--deadline", "0.3")

    assert stopped.stderr.rstrip().endswith("readstate export --out 'my root' --deadline 0.3 --date 2024-11-23")


def test_an_unfinished_export_of_another_date_is_named_with_the_line_that_resumes_it(connected: RunCommand) -> None:
    begun("2024-11-20")
    begun("2024-11-21", root="another root")

    given = connected(*EXPORT)

    assert given.code == ExitCode.DONE
    (line,) = [line for line in given.stderr.splitlines() if "unfinished" in line]
    assert line.startswith("The export of 2024-11-20 is unfinished.")
    assert line.endswith("readstate export --out root --date 2024-11-20")


def begun_with_an_earlier_version() -> None:
    """Leave a checkpoint behind as it was before users could be known that nobody had listed yet."""
    begun("2024-11-23")
    (path,) = WORK.glob("exports/*/checkpoint.sqlite")
    connection = sqlite3.connect(path)
    connection.execute("ALTER TABLE user DROP COLUMN listed")
    connection.execute("PRAGMA user_version = 0")
    connection.close()


def test_an_export_that_another_version_began_is_told_and_restart_begins_anew(connected: RunCommand) -> None:
    begun_with_an_earlier_version()

    refused = connected(*EXPORT)
    anew = connected(*EXPORT, "--restart", "--json")

    assert refused.code == ExitCode.BAD_INPUT
    assert "was begun with another version of readstate" in refused.stderr
    assert "add --restart" in refused.stderr
    assert anew.code == ExitCode.DONE, anew.stderr
    assert anew.document["manifest"]["starts"] == 1


def test_other_options_do_not_resume_a_run_and_restart_forgets_it(connected: RunCommand) -> None:
    begun("2024-11-23")

    refused = connected(*EXPORT, "--limit-users", "3")
    anew = connected(*EXPORT, "--limit-users", "3", "--restart", "--json")

    assert refused.code == ExitCode.BAD_INPUT
    assert "was begun with other options" in refused.stderr
    assert "--restart" in refused.stderr
    assert anew.code == ExitCode.DONE, anew.stderr
    assert anew.document["manifest"]["users"]["listed"] == 3


def test_an_outage_is_told_and_resumable(connected: RunCommand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("READSTATE_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("READSTATE_MAX_ATTEMPTS", "2")

    given = connected(*EXPORT)

    assert given.code == ExitCode.STOPPED_EARLY
    assert "cannot connect to http://127.0.0.1:9" in given.stderr
    assert "readstate export --out root" in given.stderr


@pytest.mark.parametrize("variable", ["TWILIO_AUTH_TOKEN", "TWILIO_ACCOUNT_SID"])
def test_missing_credentials_are_code_14_with_what_to_export(
    variable: str, connected: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(variable)

    given = connected(*EXPORT)

    assert given.code == ExitCode.NOT_PERMITTED
    assert "Export TWILIO_API_KEY" in given.stderr


def test_refused_credentials_are_code_14_and_leave_nothing_to_resume(
    connected: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "0" * 32)

    given = connected(*EXPORT)

    assert given.code == ExitCode.NOT_PERMITTED
    assert "401" in given.stderr
    assert "readstate doctor" in given.stderr
    assert "What was read is kept" not in given.stderr
    assert not any(WORK.glob("exports/*"))


def test_a_root_that_cannot_be_is_refused_before_anything_is_asked(
    connected: RunCommand, twilio: RunningSimulator
) -> None:
    Path("root").write_text("a file, not a folder")

    given = connected(*EXPORT)

    assert given.code == ExitCode.LOCAL_DISK
    assert "root" in given.stderr
    assert twilio.counters().requests == 0


# -- what the outside sees


def families(path: Path) -> dict[str, Any]:
    return {family.name: family for family in text_string_to_metric_families(path.read_text())}


def sample(path: Path, name: str, **labels: str) -> float:
    """The one value of the metric *name* with *labels*."""
    found = [
        one.value
        for family in families(path).values()
        for one in family.samples
        if one.name == name and labels.items() <= one.labels.items()
    ]
    (value,) = found
    return float(value)


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


def test_a_failed_run_keeps_the_time_of_the_last_success(
    connected: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = Path("readstate.prom")
    connected(*EXPORT, "--metrics-file", str(metrics))
    succeeded_at = sample(metrics, "readstate_last_success_timestamp_seconds")
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "0" * 32)

    connected(*EXPORT, "--again", "--metrics-file", str(metrics))

    assert sample(metrics, "readstate_last_success_timestamp_seconds") == succeeded_at
    assert sample(metrics, "readstate_requests_total", status="401") > 0


def test_json_log_lines_are_objects_and_failures_hold_the_request_id(
    connected: RunCommand, twilio: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = list(twilio.world.default_service.users())
    Path("users.txt").write_text("".join(f"{user.sid}\n" for user in users))
    twilio.faults = replace(twilio.faults, error_share=0.15, html_share=0.0)
    monkeypatch.setenv("READSTATE_MAX_ATTEMPTS", "1")

    given = connected(
        *EXPORT, "--users", "users.txt", "--service", twilio.world.default_service.sid, "--log-format", "json", "--json"
    )

    lines = [json.loads(line) for line in given.stderr.splitlines()]
    assert given.code == ExitCode.SOME_FAILED, given.stderr
    assert all({"time", "level", "event", "message"} <= line.keys() for line in lines)
    failures = [line for line in lines if line["event"] == "user_failed"]
    assert given.document["manifest"]["users"]["failed"] == len(failures) > 0
    assert all(re.fullmatch("RQ[0-9a-f]{32}", line["request_id"]) for line in failures)
    assert all(line["request_id"] in line["message"] for line in failures)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is removed, so that a test can look at it."""
    monkeypatch.setattr(shutil, "rmtree", lambda *_args, **_kwargs: None)


@pytest.mark.usefixtures("kept")
def test_no_secret_reaches_any_file_or_stream(
    connected: RunCommand, twilio: RunningSimulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    failing(twilio)
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

    assert {given.code for given in outputs} >= {ExitCode.SOME_FAILED, ExitCode.NOT_PERMITTED, ExitCode.DONE}
    for given in outputs:
        assert basic.decode() not in given.stdout + given.stderr
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "checkpoint.sqlite" for path in files)
    for path in files:
        content = path.read_bytes()
        assert secret.encode() not in content, path
        assert basic not in content, path


def test_files_with_personal_data_are_their_owners_alone(connected: RunCommand) -> None:
    connected(*EXPORT)

    assert {path.stat().st_mode & 0o077 for path in [*ROOT.rglob("*"), *WORK.rglob("*")]} == {0}
