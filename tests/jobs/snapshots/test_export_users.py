"""``readstate export`` of the users of a file, and of users that cannot be read."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from readstate.errors import ExitCode
from readstate.simulator.server.server import RunningSimulator
from tests.helpers.cli_shell import RunCommand
from tests.helpers.export_command import EXPORT, ROOT, make_long_lists_fail, sample
from tests.helpers.exporting import assert_same, world_rows
from tests.helpers.published import published_rows

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


def test_users_that_failed_make_the_snapshot_incomplete_and_the_code_3(
    connected: RunCommand, twilio: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_long_lists_fail(twilio)

    given = connected(*EXPORT)

    assert given.code == ExitCode.SOME_FAILED
    assert re.search(r"complete +NO\n", given.stdout)
    assert "users could not be read; root/failures says why" in given.stdout
    assert re.search(r"error: user US[0-9a-f]{32} failed: ", given.stderr)
    assert list(ROOT.glob("failures/*/*.parquet"))


def test_too_many_failures_are_refused_where_that_was_asked_and_the_next_run_tries_them_again(
    connected: RunCommand, twilio: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_long_lists_fail(twilio)
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
    make_long_lists_fail(twilio)

    given = connected(*EXPORT, "--on-incomplete", "refuse", "--max-failed-users", "100%")

    assert given.code == ExitCode.SOME_FAILED
