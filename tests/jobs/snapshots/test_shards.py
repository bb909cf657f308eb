"""``readstate export --shard`` and ``readstate publish`` as typed."""

import io
import json
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from readstate.errors import ExitCode
from readstate.simulator.server.server import RunningSimulator
from readstate.snapshot.workspace.workspace import run_workspace
from tests.helpers.cli_shell import RunCommand
from tests.helpers.exporting import assert_same, world_rows
from tests.helpers.published import published_rows

ROOT = Path("root")
RUN = ["--run", "nightly"]
SHARD = ["export", "--out", "root", *RUN, "--shard"]
DAY = ["--date", "2024-11-23"]
PUBLISH = ["publish", "root", *RUN]


def staged(days_ago: int = 0) -> None:
    """Let everything that is staged have been written *days_ago*."""
    then = (datetime.now(UTC) - timedelta(days=days_ago)).timestamp()
    for path in ROOT.glob("_staging/**/*"):
        os.utime(path, (then, then))


def test_all_shards_published_are_the_world_and_say_so_as_an_export_does(
    connected: RunCommand, twilio: RunningSimulator
) -> None:
    for shard in ("1/2", "2/2"):
        assert connected(*SHARD, shard, *DAY).code == ExitCode.DONE

    given = connected(*PUBLISH, "--json")

    assert given.code == ExitCode.DONE, given.stderr
    assert_same(published_rows(ROOT), world_rows(twilio))
    assert given.document["already_published"] is False
    assert given.document["manifest"] == json.loads((ROOT / given.document["manifest_path"]).read_text())
    assert not (ROOT / "_staging").exists() or not any((ROOT / "_staging").iterdir())


def test_a_shard_tells_what_it_read_and_what_comes_next(connected: RunCommand) -> None:
    given = connected(*SHARD, "1/2", *DAY)
    document = connected(*SHARD, "2/2", *DAY, "--json").document

    assert "Shard 1/2 of run nightly" in given.stdout
    assert "readstate publish root --run nightly" in given.stdout
    assert document["shard"] == "2/2"
    assert document["run_id"] == "nightly"
    assert (document["already_staged"], document["already_published"]) == (False, False)
    assert document["users"]["listed"] == document["users"]["read"] > 0
    assert document["requests"]["requests"] > document["users"]["read"]


def test_a_finished_shard_answers_that_it_is_done_and_asks_nothing(
    connected: RunCommand, twilio: RunningSimulator
) -> None:
    connected(*SHARD, "1/2", *DAY)
    asked = twilio.counters().requests

    told = connected(*SHARD, "1/2", *DAY)
    document = connected(*SHARD, "1/2", *DAY, "--json").document

    assert told.code == ExitCode.DONE
    assert "is staged already; nothing done" in told.stdout
    assert document["already_staged"] is True
    assert twilio.counters().requests == asked


def test_what_a_lost_try_has_left_here_goes_when_the_shard_was_finished_elsewhere(connected: RunCommand) -> None:
    work = Path("home/.local/state/readstate/shards")
    with run_workspace(work.parent, root="root", run_id="nightly", work="1-of-2") as workspace:
        (workspace.parts / "part-000001.arrow").touch()
    connected(*SHARD, "1/2", *DAY, "--work-dir", "another machine")
    assert list(work.iterdir()) != []

    assert connected(*SHARD, "1/2", *DAY).code == ExitCode.DONE
    assert list(work.iterdir()) == []


def test_a_shard_of_a_published_run_answers_so_whatever_day_it_is(
    connected: RunCommand, twilio: RunningSimulator
) -> None:
    connected(*SHARD, "1/1", *DAY)
    connected(*PUBLISH)
    asked = twilio.counters().requests

    document = connected(*SHARD, "1/1", "--json").document

    assert document["already_published"] is True
    assert document["manifest"]["run_id"] == "nightly"
    assert twilio.counters().requests == asked


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


def test_a_missing_shard_is_named_with_the_line_as_it_was_typed_for_the_others(connected: RunCommand) -> None:
    connected(*SHARD, "2/3", *DAY, "--service", "default", "--drop-pii")

    given = connected(*PUBLISH)

    assert given.code == ExitCode.GUARD_REFUSED
    assert "1/3, 3/3 not finished, of 3 shards: nothing published" in given.stderr
    for shard in ("1/3", "3/3"):
        line = (
            f"readstate export --out root --run nightly --service default --drop-pii --date 2024-11-23 --shard {shard}"
        )
        assert line in given.stderr


@pytest.mark.parametrize("other", [["--drop-pii"], ["--service", "default"], ["--date", "2024-11-24"]])
def test_a_shard_with_other_options_is_refused_before_it_asks_anything(
    other: list[str], connected: RunCommand, twilio: RunningSimulator
) -> None:
    connected(*SHARD, "1/2", *DAY)
    asked = twilio.counters().requests

    given = connected(*SHARD, "2/2", *(other if "--date" in other else [*DAY, *other]))

    assert given.code == ExitCode.BAD_INPUT
    assert "the shards of run nightly disagree about" in given.stderr
    assert "--restart" in given.stderr
    assert twilio.counters().requests == asked


def test_shards_that_leave_the_same_columns_empty_agree_in_every_process(connected: RunCommand) -> None:
    """The names of columns come in an order of their own in each process, as long as nobody sorts them."""
    connected(*SHARD, "1/2", *DAY, "--drop-pii")
    (note,) = ROOT.glob("_staging/nightly/1-of-2/begun.json")

    blanked = json.loads(note.read_bytes())["options"]["blanked_columns"]

    assert blanked == sorted(blanked)


def test_a_staged_shard_asked_for_with_other_options_says_so(connected: RunCommand) -> None:
    connected(*SHARD, "1/2", *DAY)

    given = connected(*SHARD, "1/2", *DAY, "--drop-pii")

    assert given.code == ExitCode.BAD_INPUT
    assert "was staged with other options (blanked_columns)" in given.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--shard", "1/2"], "--shard and --run belong together"),
        (["--run", "nightly"], "--shard and --run belong together"),
        ([*RUN, "--shard", "1/2", "--limit-users", "5"], "--limit-users is for a trial"),
        ([*RUN, "--shard", "1/2", "--compare-with", "previous"], "readstate compare ROOT"),
        ([*RUN, "--shard", "1/2", "--max-failed-users", "5"], "give it to readstate publish"),
        ([*RUN, "--shard", "1/2", "--on-incomplete", "refuse"], "give it to readstate publish"),
    ],
)
def test_what_makes_no_sense_for_a_shard_is_refused(words: list[str], told: str, connected: RunCommand) -> None:
    given = connected("export", "--out", "root", *words)

    assert given.code == ExitCode.USAGE
    assert told in given.stderr


@pytest.mark.parametrize(("shard", "run"), [("0/4", "nightly"), ("1/4", "../nightly")])
def test_what_is_no_shard_and_no_name_of_a_run_is_refused(shard: str, run: str, connected: RunCommand) -> None:
    given = connected("export", "--out", "root", "--shard", shard, "--run", run)

    assert given.code == ExitCode.BAD_INPUT


def test_a_dry_run_of_a_shard_counts_its_own_users_and_tells_the_others_nothing(connected: RunCommand) -> None:
    users = [connected(*SHARD, shard, *DAY, "--dry-run", "--json").document["users"] for shard in ("1/2", "2/2")]

    assert sum(users) == 60
    assert min(users) > 0
    assert not ROOT.exists()


def test_publishing_wants_no_credentials_and_asks_nothing(
    connected: RunCommand, twilio: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected(*SHARD, "1/1", *DAY)
    asked = twilio.counters().requests
    for name in ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"):
        monkeypatch.delenv(name)

    assert connected(*PUBLISH).code == ExitCode.DONE
    assert twilio.counters().requests == asked


def test_too_many_failures_of_all_shards_are_published_as_incomplete_or_refused_by_choice(
    connected: RunCommand, twilio: RunningSimulator
) -> None:
    users = ROOT.parent / "users.txt"
    users.write_text("\n".join(user.sid for _, user in twilio.world.users()))
    twilio.faults = replace(twilio.faults, page_loop_share=1.0)
    for shard in ("1/2", "2/2"):
        given = connected(*SHARD, shard, *DAY, "--service", "default", "--users", str(users))
        assert given.code == ExitCode.DONE, "the whole is judged, not a shard"

    refused = connected(*PUBLISH, "--on-incomplete", "refuse", "--max-failed-users", "0")
    published = connected(*PUBLISH)

    assert refused.code == ExitCode.GUARD_REFUSED
    assert "again with --restart" in refused.stderr
    assert published.code == ExitCode.SOME_FAILED


# -- what is staged and not published


def test_snapshots_tell_what_is_staged_and_how_to_publish_it(connected: RunCommand) -> None:
    connected(*SHARD, "1/2", *DAY)

    given = connected("snapshots", "root")
    document = connected("snapshots", "root", "--json").document

    assert "Run nightly is staged, not published: 1 of 2 shards finished" in given.stdout
    assert "readstate publish root --run nightly" in given.stdout
    (run,) = document["staged"]
    assert (run["run_id"], run["shards_finished"], run["shards"], run["abandoned"]) == ("nightly", 1, 2, False)
    assert document["snapshots"] == []


def test_what_was_staged_a_week_ago_is_abandoned_and_goes_when_snapshots_do(connected: RunCommand) -> None:
    connected(*SHARD, "1/2", *DAY)
    staged(days_ago=6)
    assert connected("snapshots", "root", "--keep", "1", "--yes", "--json").document["removed_staged"] == []
    staged(days_ago=8)

    told = connected("snapshots", "root").stdout
    asked = connected("snapshots", "root", "--keep", "1")
    removed = connected("snapshots", "root", "--keep", "1", "--yes")

    assert "abandoned" in told
    assert asked.code == ExitCode.CONSENT_MISSING
    assert removed.code == ExitCode.DONE
    assert "Removed the staged files of 1 abandoned run." in removed.stdout
    assert not any(ROOT.glob("_staging/nightly/*"))


def test_what_a_run_goes_on_with_while_somebody_thinks_about_it_is_not_abandoned_any_more(
    connected: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected(*SHARD, "1/2", *DAY)
    staged(days_ago=8)

    class Slow(io.StringIO):
        def isatty(self) -> bool:
            return True

        def readline(self, *_: Any) -> Any:
            staged(days_ago=0)
            return "y\n"

    monkeypatch.setattr(sys, "stdin", Slow())
    given = connected("snapshots", "root", "--keep", "1")

    assert "Remove the staged files of 1 abandoned run for good?" in given.stderr
    assert given.code == ExitCode.DONE
    assert "nothing to remove" in given.stdout
    assert any(ROOT.glob("_staging/nightly/*"))
