import json
from pathlib import Path

import pytest

from readstate.errors import ExitCode
from readstate.simulator.server.server import RunningSimulator
from readstate.snapshot.workspace.workspace import run_workspace
from tests.helpers.cli_shell import RunCommand
from tests.helpers.export_command import DAY, PUBLISH, ROOT, RUN, SHARD


def test_a_shard_tells_what_it_read_and_what_comes_next(connected: RunCommand) -> None:
    output = connected(*SHARD, "1/2", *DAY)
    document = connected(*SHARD, "2/2", *DAY, "--json").document

    assert "Shard 1/2 of run nightly" in output.stdout
    assert "readstate publish root --run nightly" in output.stdout
    assert document["shard"] == "2/2"
    assert document["run_id"] == "nightly"
    assert (document["already_staged"], document["already_published"]) == (False, False)
    assert document["users"]["listed"] == document["users"]["read"] > 0
    assert document["requests"]["requests"] > document["users"]["read"]


def test_a_finished_shard_answers_that_it_is_done_and_asks_nothing(
    connected: RunCommand, twilio: RunningSimulator
) -> None:
    connected(*SHARD, "1/1", *DAY)
    asked = twilio.counters().requests

    result = connected(*SHARD, "1/1", *DAY)
    staged = connected(*SHARD, "1/1", *DAY, "--json").document
    connected(*PUBLISH)
    published = connected(*SHARD, "1/1", "--json").document

    assert result.code == ExitCode.DONE
    assert "is staged already; nothing done" in result.stdout
    assert staged["already_staged"] is True
    assert published["already_published"] is True
    assert published["manifest"]["run_id"] == "nightly"
    assert twilio.counters().requests == asked


def test_what_a_lost_try_has_left_here_goes_when_the_shard_was_finished_elsewhere(connected: RunCommand) -> None:
    work = Path("home/.local/state/readstate/shards")
    with run_workspace(work.parent, root="root", run_id="nightly", work="1-of-2") as workspace:
        (workspace.parts / "part-000001.arrow").touch()
    connected(*SHARD, "1/2", *DAY, "--work-dir", "another machine")
    assert list(work.iterdir()) != []

    assert connected(*SHARD, "1/2", *DAY).code == ExitCode.DONE
    assert list(work.iterdir()) == []


def test_restart_reads_a_staged_shard_anew(connected: RunCommand, twilio: RunningSimulator) -> None:
    connected(*SHARD, "1/1", *DAY)
    asked = twilio.counters().requests

    document = connected(*SHARD, "1/1", *DAY, "--restart", "--json").document

    assert document["already_staged"] is False
    assert twilio.counters().requests > asked
    assert connected(*PUBLISH).code == ExitCode.DONE


def test_a_shard_begun_after_midnight_belongs_to_the_day_of_the_others(connected: RunCommand) -> None:
    connected(*SHARD, "1/2", *DAY)

    document = connected(*SHARD, "2/2", "--json").document

    assert document["snapshot_date"] == "2024-11-23"
    assert connected(*PUBLISH, "--json").document["manifest"]["snapshot_date"] == "2024-11-23"


@pytest.mark.parametrize(
    ("shard", "message"),
    [
        ("2/2", "the shards of run nightly disagree about"),
        ("1/2", "was staged with other options (blanked_columns)"),
    ],
)
def test_a_shard_with_other_options_is_refused_before_it_asks_for_more_than_the_account(
    shard: str, message: str, connected: RunCommand, twilio: RunningSimulator
) -> None:
    connected(*SHARD, "1/2", *DAY)
    asked = twilio.counters().requests

    output = connected(*SHARD, shard, *DAY, "--drop-pii")

    assert output.code == ExitCode.BAD_INPUT
    assert message in output.stderr
    assert "--restart" in output.stderr
    assert twilio.counters().requests <= asked + 1


def test_shards_that_leave_the_same_columns_empty_agree_in_every_process(connected: RunCommand) -> None:
    """The names of columns come in an order of their own in each process, unless they are sorted."""
    connected(*SHARD, "1/2", *DAY, "--drop-pii")
    (note,) = ROOT.glob("_staging/nightly/1-of-2/begun.json")

    blanked = json.loads(note.read_bytes())["options"]["blanked_columns"]

    assert blanked == sorted(blanked)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--shard", "1/2"], "--shard and --run belong together"),
        (["--run", "nightly"], "--shard and --run belong together"),
        ([*RUN, "--shard", "1/2", "--limit-users", "5"], "--limit-users is for a trial"),
        ([*RUN, "--shard", "1/2", "--compare-with", "previous"], "readstate compare ROOT"),
        ([*RUN, "--shard", "1/2", "--max-failed-users", "5"], "use it with readstate publish"),
        ([*RUN, "--shard", "1/2", "--on-incomplete", "refuse"], "use it with readstate publish"),
    ],
)
def test_what_makes_no_sense_for_a_shard_is_refused(words: list[str], message: str, connected: RunCommand) -> None:
    output = connected("export", "--out", "root", *words)

    assert output.code == ExitCode.USAGE
    assert message in output.stderr


def test_a_dry_run_of_a_shard_counts_its_own_users_and_tells_the_others_nothing(connected: RunCommand) -> None:
    users = [connected(*SHARD, shard, *DAY, "--dry-run", "--json").document["users"] for shard in ("1/2", "2/2")]

    assert sum(users) == 60
    assert min(users) > 0
    assert not ROOT.exists()
