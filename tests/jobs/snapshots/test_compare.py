from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from readstate.errors import ExitCode
from tests.helpers.cli_shell import RunCommand, run_command, succeed
from tests.helpers.export_command import EXPORT
from tests.helpers.snapshots import publish, row

FIRST, SECOND, THIRD = date(2026, 11, 21), date(2026, 11, 22), date(2026, 11, 23)


@pytest.fixture
def root(tmp_path: Path) -> str:
    root = tmp_path / "root"
    publish(root, FIRST, [row(1, 1), row(1, 2)])
    publish(root, SECOND, [row(1, 1), row(2, 2)], failures=[{"reason": "502"}])
    publish(root, THIRD, [row(1, 1, unread_messages_count=0), row(2, 2)])
    return str(root)


def test_the_newest_two_are_compared_unless_dates_are_given(root: str) -> None:
    newest = run_command("compare", root, "--json").document
    chosen = run_command("compare", root, str(FIRST), str(THIRD), "--json").document

    assert (newest["from"]["snapshot_date"], newest["to"]["snapshot_date"]) == (str(SECOND), str(THIRD))
    assert newest["user_conversations"]["fields"] == {"unread_messages_count": 1}
    assert newest["feed"] is None
    assert chosen["removals_known"]
    found = chosen["user_conversations"]
    assert (found["added"], found["removed"], found["changed"], found["unchanged"]) == (1, 1, 1, 0)


def test_a_person_gets_a_table(root: str) -> None:
    output = succeed("compare", root, str(FIRST), str(THIRD))

    assert "From 2026-11-21 to 2026-11-23" in output.stdout
    assert "removed" in output.stdout
    assert "removal unknown" not in output.stdout
    assert "unread_messages_count" in output.stdout


def test_what_cannot_be_known_is_called_unknown(root: str) -> None:
    output = succeed("compare", root, str(FIRST), str(SECOND))

    assert "removal unknown" in output.stdout
    assert "is incomplete: 1 users could not be read" in output.stdout


def test_columns_left_empty_are_named(tmp_path: Path) -> None:
    publish(tmp_path / "root", FIRST, [row(1, 1)])
    publish(tmp_path / "root", SECOND, [row(1, 1)], blanked_columns=("identity",))

    output = succeed("compare", str(tmp_path / "root"))

    assert "left them empty: identity" in output.stdout


def test_every_change_goes_to_a_file(root: str, tmp_path: Path) -> None:
    feed = tmp_path / "feed.parquet"

    output = succeed("compare", root, "--out", str(feed))

    assert str(feed) in output.stdout
    lines = pq.read_table(feed).to_pylist()
    assert [(line["field"], line["before"], line["after"]) for line in lines] == [("unread_messages_count", "3", "0")]


def test_one_snapshot_alone_cannot_be_compared(tmp_path: Path) -> None:
    publish(tmp_path / "root", FIRST, [row(1, 1)])

    output = run_command("compare", str(tmp_path / "root"))
    assert output.code == ExitCode.BAD_INPUT
    assert "no snapshot before 2026-11-21" in output.stderr


def test_the_first_export_has_nothing_to_compare_with(connected: RunCommand) -> None:
    exported = connected(*EXPORT, "--compare-with", "previous")

    assert exported.code == ExitCode.DONE
    assert "There is no snapshot before 2024-11-23" in exported.stderr


def test_changes_that_a_killed_export_did_not_come_to_are_made_up_for(connected: RunCommand) -> None:
    connected("export", "--out", "root", "--date", "2024-11-22")
    later = ("export", "--out", "root", "--date", "2024-11-23", "--compare-with", "previous", "--json")
    first = connected(*later).document
    feed = Path("root/changes/snapshot_date=2024-11-23/since-2024-11-22.parquet")
    feed.unlink()

    again = connected(*later).document

    assert again["already_published"]
    assert again["changes"] == first["changes"]
    assert feed.is_file()
