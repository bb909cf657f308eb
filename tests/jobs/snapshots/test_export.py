import json
import re
from pathlib import Path

import pytest
import time_machine

from readstate.errors import ExitCode
from readstate.simulator.server.server import RunningSimulator
from tests.helpers.cli_shell import RunCommand
from tests.helpers.export_command import EXPORT, ROOT, WORK
from tests.helpers.exporting import assert_same, published_rows, world_rows


def test_it_publishes_the_world_and_says_so_in_a_table(connected: RunCommand, twilio: RunningSimulator) -> None:
    output = connected(*EXPORT)

    assert output.code == ExitCode.DONE, output.stderr
    assert_same(published_rows(ROOT), world_rows(twilio))
    table = dict(re.findall(r"^(\w[\w ()]*?)  +(\S.*)$", output.stdout, re.MULTILINE))
    assert table["users read"] == "60"
    assert table["users vanished"] == table["users failed"] == "0"
    rows = world_rows(twilio)
    assert table["memberships"].replace(" ", "") == f"{len(rows)}(usersinconversations)"
    assert int(table["conversations"]) == len({conversation for *_, conversation in rows}) < len(rows)
    assert table["complete"] == "yes"
    assert "Published root/_snapshots/2024-11-23.json" in output.stdout
    assert not any(WORK.glob("exports/*")), "finished work leaves nothing behind"


@pytest.mark.parametrize("transport", ["aiohttp", "curl"])
def test_with_json_stdout_is_one_document_that_holds_the_manifest(connected: RunCommand, transport: str) -> None:
    output = connected(*EXPORT, "--json", env={"READSTATE_TRANSPORT": transport})

    assert output.code == ExitCode.DONE
    assert output.document["already_published"] is False
    assert output.document["manifest"]["transport"] == transport
    assert output.document["manifest"] == json.loads((ROOT / output.document["manifest_path"]).read_text())


def test_a_published_date_is_left_alone_and_again_replaces_it(connected: RunCommand, twilio: RunningSimulator) -> None:
    connected(*EXPORT)
    asked = twilio.counters().requests

    result = connected(*EXPORT)
    document = connected(*EXPORT, "--json").document
    assert twilio.counters().requests == asked
    again = connected(*EXPORT, "--again", "--json").document

    assert result.code == ExitCode.DONE
    assert "published already" in result.stdout
    assert "--again" in result.stdout
    assert document["already_published"] is True
    assert again["manifest"]["run_id"] != document["manifest"]["run_id"]
    assert len(list(ROOT.glob("user_conversations/*/*.parquet"))) == 1


def test_a_dry_run_reads_the_roster_alone_and_publishes_nothing(
    connected: RunCommand, twilio: RunningSimulator
) -> None:
    document = connected(*EXPORT, "--dry-run", "--json").document
    asked = twilio.counters().requests
    shown = connected(*EXPORT, "--dry-run").stdout

    assert document["users"] == document["requests"] == 60
    assert document["seconds_by_requests_in_flight"].keys() == {"10", "100"}
    assert asked < 10
    assert re.search(r"users +60\n", shown)
    assert re.search(r"time at 100 in flight +about [\d.]+ s\n", shown)
    assert not ROOT.exists()


def test_chosen_columns_are_filled_and_all_others_stay_empty(connected: RunCommand) -> None:
    output = connected(*EXPORT, "--columns", "unread_messages_count, identity", "--json")

    rows = published_rows(ROOT).values()
    assert output.code == ExitCode.DONE
    filled = {name for row in rows for name, value in row.items() if value is not None}
    keys = {"chat_service_sid", "user_sid", "conversation_sid", "snapshot_at"}
    assert filled == keys | {"unread_messages_count", "identity"}
    assert "attributes" in next(iter(rows)), "a column never vanishes"


def test_without_personal_data_no_identity_is_on_disk(connected: RunCommand, twilio: RunningSimulator) -> None:
    identities = {user.identity for service in twilio.world.services for user in service.users()}

    output = connected(*EXPORT, "--drop-pii")

    rows = published_rows(ROOT).values()
    assert output.code == ExitCode.DONE
    assert {row[name] for row in rows for name in ("identity", "friendly_name", "attributes")} == {None}
    everything = b"".join(path.read_bytes() for path in ROOT.rglob("*") if path.is_file())
    assert not any(identity.encode() in everything for identity in identities if identity and len(identity) > 5)


@pytest.mark.parametrize("word", ["IS123", "IS" + "0" * 32])
def test_a_service_that_does_not_exist_is_refused_and_does_not_spoil_the_date(word: str, connected: RunCommand) -> None:
    refused = connected(*EXPORT, "--service", word)
    corrected = connected(*EXPORT, "--service", "default")

    assert refused.code == ExitCode.BAD_INPUT
    assert word in refused.stderr
    assert corrected.code == ExitCode.DONE, corrected.stderr


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--deadline", "soon"], ExitCode.USAGE, "--deadline"),
        (["--max-failed-users", "few"], ExitCode.BAD_INPUT, "flag --max-failed-users"),
        (["--on-incomplete", "shrug"], ExitCode.USAGE, "--on-incomplete"),
        (["--max-in-flight", "0"], ExitCode.BAD_INPUT, "a number from 1 to"),
        (["--base-url", "http://twilio.example.com"], ExitCode.BAD_INPUT, "clear text"),
        (["--metrics-file", "/nonexistent/readstate.prom"], ExitCode.LOCAL_DISK, "/nonexistent/readstate.prom"),
        (["--config", "missing.toml"], ExitCode.BAD_INPUT, "missing.toml"),
        (["--users", "missing.txt"], ExitCode.BAD_INPUT, "missing.txt"),
        (
            ["--columns", "identity,unread"],
            ExitCode.BAD_INPUT,
            "there is no column unread\nThere are: account_sid",
        ),
        (["--columns", "identity", "--drop-pii"], ExitCode.USAGE, "use one of them"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_asked(
    words: list[str], code: ExitCode, message: str, connected: RunCommand, twilio: RunningSimulator
) -> None:
    output = connected(*EXPORT, *words)

    assert output.code == code
    assert message in output.stderr
    assert output.stdout == ""
    assert twilio.counters().requests == 0


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
        output = readstate("export", "--out", "root", "--date", day, *more)

    assert output.code == code
    if code == ExitCode.BAD_INPUT:
        assert f"--date {day} is in the future; today, in UTC, is 2024-11-23" in output.stderr
        assert "or correct it:  --date 2024-11-23" in output.stderr


def test_a_root_that_cannot_be_is_refused_before_anything_is_asked(
    connected: RunCommand, twilio: RunningSimulator
) -> None:
    Path("root").write_text("a file, not a folder")

    output = connected(*EXPORT)

    assert output.code == ExitCode.LOCAL_DISK
    assert "root" in output.stderr
    assert twilio.counters().requests == 0
