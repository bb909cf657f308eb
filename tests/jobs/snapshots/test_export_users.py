import json
import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from readstate.errors import ExitCode
from readstate.simulator.server.server import RunningSimulator
from tests.helpers.cli_shell import RunCommand
from tests.helpers.export_command import EXPORT, ROOT, make_long_lists_fail, sample
from tests.helpers.exporting import assert_same, published_rows, world_rows


def test_users_that_never_were_are_unknown_and_a_file_of_nothing_else_is_no_success(connected: RunCommand) -> None:
    Path("users.txt").write_text("US" + "0" * 32 + "\nno such person\n")
    metrics = Path("m.prom")

    output = connected(*EXPORT, "--users", "users.txt", "--metrics-file", str(metrics))

    assert output.code == ExitCode.SOME_FAILED, output.stderr
    assert re.search(r"users vanished +0\nusers unknown +2\n", output.stdout)
    assert re.search(r"complete +NO\n", output.stdout)
    assert "Twilio does not know 2 users of the file: result unknown in root/users." in output.stdout
    assert "line 2 of the users file: Twilio knows no user no such person" in output.stderr
    assert sample(metrics, "readstate_users_total", result="unknown") == 2
    assert sample(metrics, "readstate_users_listed") == 2


@pytest.mark.parametrize(
    ("allowed", "code"),
    [
        ((), ExitCode.SOME_FAILED),
        (("--allow-missing", "2"), ExitCode.DONE),
        (("--allow-missing", "50%"), ExitCode.DONE),
    ],
)
def test_as_many_users_may_be_unknown_as_is_allowed(
    allowed: tuple[str, ...], code: ExitCode, connected: RunCommand, twilio: RunningSimulator
) -> None:
    known = [user.sid for user in twilio.world.default_service.users()][:2]
    Path("users.txt").write_text("\n".join([*known, "nobody", "none"]))

    output = connected(*EXPORT, "--users", "users.txt", *allowed, "--json")

    assert output.code == code, output.stderr
    manifest = json.loads(output.stdout)["manifest"]
    assert manifest["users"]["unknown"] == 2
    assert manifest["complete"] is (code == ExitCode.DONE)


def test_too_many_unknown_users_are_not_published_where_that_was_asked(connected: RunCommand) -> None:
    Path("users.txt").write_text("nobody\nnone\n")

    output = connected(*EXPORT, "--users", "users.txt", "--on-incomplete", "refuse")

    assert output.code == ExitCode.GUARD_REFUSED
    assert "2 of 2 users of the file are unknown: not published" in output.stderr


def test_users_that_failed_make_the_snapshot_incomplete_and_the_code_3(
    connected: RunCommand, twilio: RunningSimulator
) -> None:
    make_long_lists_fail(twilio)

    output = connected(*EXPORT)

    assert output.code == ExitCode.SOME_FAILED
    assert re.search(r"complete +NO\n", output.stdout)
    assert "users could not be read; root/failures says why" in output.stdout
    assert re.search(r"warning: user US[0-9a-f]{32} failed: ", output.stderr)
    assert list(ROOT.glob("failures/*/*.parquet"))


def test_more_failures_than_allowed_are_refused_where_that_was_asked_and_the_next_run_tries_them_again(
    connected: RunCommand, twilio: RunningSimulator
) -> None:
    make_long_lists_fail(twilio)
    strict = [*EXPORT, "--on-incomplete", "refuse", "--max-failed-users"]

    refused = connected(*strict, "0")
    allowed = connected(*strict, "100%")
    twilio.faults = replace(twilio.faults, page_loop_share=0)
    repeated = connected(*strict, "0", "--again")

    assert refused.code == ExitCode.GUARD_REFUSED
    assert "more than the 0 allowed: not published" in refused.stderr
    assert allowed.code == ExitCode.SOME_FAILED
    assert repeated.code == ExitCode.DONE, repeated.stderr
    assert_same(published_rows(ROOT), world_rows(twilio))
