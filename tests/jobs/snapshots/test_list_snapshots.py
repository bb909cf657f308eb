import io
import json
import os
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from readstate.errors import ExitCode
from tests.helpers import snapshots
from tests.helpers.cli_shell import RunCommand

ROOT = Path("root")
DAYS = [date(2026, 11, 21), date(2026, 11, 22), date(2026, 11, 23)]


@pytest.fixture
def published(readstate: RunCommand) -> RunCommand:
    """Three published snapshots, and a prompt to look at them from."""
    for day in DAYS:
        snapshots.publish(ROOT, day, [snapshots.row(1, 1), snapshots.row(1, 2), snapshots.row(2, 1)])
    return readstate


def days_left() -> list[str]:
    return sorted(path.stem for path in ROOT.glob("_snapshots/*.json"))


def test_it_lists_each_with_its_users_rows_size_and_completeness(published: RunCommand) -> None:
    output = published("snapshots", "root")

    lines = [line.split() for line in output.stdout.splitlines()]
    assert output.code == ExitCode.DONE
    assert lines[0] == ["date", "users", "conversations", "memberships", "failed", "size", "complete"]
    assert [line[:4] + line[-1:] for line in lines[2:]] == [[str(day), "2", "-", "3", "yes"] for day in DAYS]


def test_an_empty_root_says_how_to_fill_it(readstate: RunCommand) -> None:
    output = readstate("snapshots", "root")

    assert output.code == ExitCode.DONE
    assert "readstate export --out root" in output.stdout


def test_verifying_nothing_is_no_success_because_the_root_may_be_mistyped(readstate: RunCommand) -> None:
    output = readstate("snapshots", "raot", "--verify")

    assert output.code == ExitCode.BAD_INPUT
    assert "raot: no published snapshot to verify" in output.stderr


@pytest.mark.parametrize("dataset", ["user_conversations", "users"])
def test_verify_finds_a_damaged_file_and_names_it(dataset: str, published: RunCommand) -> None:
    (file,) = ROOT.glob(f"{dataset}/snapshot_date=2026-11-22/*.parquet")
    file.write_bytes(file.read_bytes()[:-1])

    output = published("snapshots", "root", "--verify")
    document = published("snapshots", "root", "--verify", "--json").document

    assert output.code == ExitCode.SOME_FAILED
    assert f"2026-11-22: {file.relative_to(ROOT)}" in output.stdout
    assert "not those in the manifest" in output.stdout
    assert [line.split()[-1] for line in output.stdout.splitlines()[2:5]] == ["yes", "NO", "yes"]
    assert [len(found["defects"]) for found in document["snapshots"]] == [0, 1, 0]


def test_pruning_without_a_terminal_asks_for_consent_and_removes_nothing(
    published: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))

    output = published("snapshots", "root", "--keep", "1")

    assert output.code == ExitCode.CONSENT_MISSING
    assert "to be removed: 2026-11-21, 2026-11-22" in output.stdout
    assert "--yes" in output.stderr
    assert days_left() == [str(day) for day in DAYS]


class Terminal(io.StringIO):
    """A person who answers."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "code", "left"), [("y\n", 0, 1), ("n\n", 130, 3), ("\n", 130, 3)])
def test_at_a_terminal_the_person_decides(
    answer: str, code: int, left: int, published: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))

    output = published("snapshots", "root", "--keep", "1")

    assert output.code == code
    assert "Remove 2 snapshots for good?" in output.stderr
    assert len(days_left()) == left


def test_what_goes_goes_with_all_of_its_files_and_the_rest_stays_whole(published: RunCommand) -> None:
    output = published("snapshots", "root", "--keep", "2", "--yes")

    assert output.code == ExitCode.DONE
    assert "Removed 1 snapshot." in output.stdout
    assert days_left() == ["2026-11-22", "2026-11-23"]
    assert not any("2026-11-21" in str(path) for path in ROOT.rglob("*"))
    assert published("snapshots", "root", "--verify").code == ExitCode.DONE


def test_days_are_counted_from_today_and_the_newest_stays(published: RunCommand) -> None:
    today = datetime.now(UTC).date()
    snapshots.publish(ROOT, today - timedelta(days=1), [snapshots.row(1, 1)])

    document = published("snapshots", "root", "--keep-days", "3000", "--yes", "--json").document
    assert document == {"schema": "pruned/1", "root": "root", "removed": [], "removed_staged": [], "removed_strays": []}

    published("snapshots", "root", "--keep-days", "1", "--yes")
    assert len(days_left()) == 1


def test_files_that_no_manifest_names_are_told_and_go_after_a_day(published: RunCommand) -> None:
    partition = ROOT / "users" / "snapshot_date=2026-11-23"
    old, new = partition / "r-dead-00000.parquet", partition / "r-now-00000.parquet"
    for path in (old, new):
        path.write_bytes(b"PAR1")
    yesterday = (datetime.now(UTC) - timedelta(days=1, hours=1)).timestamp()
    os.utime(old, (yesterday, yesterday))

    result = published("snapshots", "root", "--verify")
    pruned = published("snapshots", "root", "--keep", "3", "--yes")

    assert result.code == ExitCode.DONE
    assert "1 orphaned file (4 B)" in result.stdout
    assert "Removed 1 orphaned file." in pruned.stdout
    assert (old.exists(), new.exists()) == (False, True)
    assert len(days_left()) == 3


def test_two_rules_at_once_are_refused(published: RunCommand) -> None:
    output = published("snapshots", "root", "--keep", "1", "--keep-days", "1", "--yes")

    assert output.code == ExitCode.USAGE
    assert len(days_left()) == 3


def test_the_name_of_a_root_cannot_steer_the_terminal(readstate: RunCommand) -> None:
    output = readstate("snapshots", "ro\x1b[2Jot")

    assert "\x1b" not in output.stdout


@pytest.mark.parametrize("command", [["--keep", "1", "--yes"], ["--verify"], []])
def test_one_planted_manifest_removes_and_reads_no_file_of_ours(
    published: RunCommand, tmp_path: Path, command: list[str]
) -> None:
    mine = tmp_path / "mine" / "precious.parquet"
    mine.parent.mkdir()
    mine.write_bytes(b"kept")
    planted = ROOT / "_snapshots" / "2026-11-21.json"
    named = json.loads(planted.read_bytes())
    named["files"][0]["path"] = str(mine)
    planted.write_text(json.dumps(named))

    output = published("snapshots", "root", *command)

    assert output.code == ExitCode.BAD_INPUT
    assert "2026-11-21.json: names" in output.stderr
    assert mine.read_bytes() == b"kept"
    assert days_left() == [str(day) for day in DAYS]
