"""`readstate compare` as a person types it."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from readstate.errors import ExitCode
from readstate_jobs.cli.main import main
from tests.helpers.snapshots import publish, row

FIRST, SECOND, THIRD = date(2026, 11, 21), date(2026, 11, 22), date(2026, 11, 23)


@pytest.fixture
def root(tmp_path: Path) -> str:
    root = tmp_path / "root"
    publish(root, FIRST, [row(1, 1), row(1, 2)])
    publish(root, SECOND, [row(1, 1), row(2, 2)], failures=[{"reason": "502"}])
    publish(root, THIRD, [row(1, 1, unread_messages_count=0), row(2, 2)])
    return str(root)


def test_the_newest_two_are_compared_unless_dates_are_given(root: str, capsys: Any) -> None:
    assert main(["compare", root, "--json"]) == ExitCode.DONE

    told = json.loads(capsys.readouterr().out)
    assert (told["from"]["snapshot_date"], told["to"]["snapshot_date"]) == (str(SECOND), str(THIRD))
    assert told["user_conversations"]["fields"] == {"unread_messages_count": 1}
    assert told["feed"] is None


def test_two_dates_may_be_named(root: str, capsys: Any) -> None:
    assert main(["compare", root, str(FIRST), str(THIRD), "--json"]) == ExitCode.DONE

    told = json.loads(capsys.readouterr().out)
    assert told["removals_known"]
    found = told["user_conversations"]
    assert (found["added"], found["removed"], found["changed"], found["unchanged"]) == (1, 1, 1, 0)


def test_a_person_gets_a_table(root: str, capsys: Any) -> None:
    assert main(["compare", root, str(FIRST), str(THIRD)]) == ExitCode.DONE

    out = capsys.readouterr().out
    assert "From 2026-11-21 to 2026-11-23" in out
    assert "removed" in out
    assert "removal unknown" not in out
    assert "unread_messages_count" in out


def test_what_cannot_be_known_is_called_unknown(root: str, capsys: Any) -> None:
    assert main(["compare", root, str(FIRST), str(SECOND)]) == ExitCode.DONE

    out = capsys.readouterr().out
    assert "removal unknown" in out
    assert "is incomplete: 1 users could not be read" in out


def test_columns_left_empty_are_named(tmp_path: Path, capsys: Any) -> None:
    publish(tmp_path / "root", FIRST, [row(1, 1)])
    publish(tmp_path / "root", SECOND, [row(1, 1)], blanked_columns=("identity",))

    assert main(["compare", str(tmp_path / "root")]) == ExitCode.DONE
    assert "left them empty: identity" in capsys.readouterr().out


def test_every_change_goes_to_a_file(root: str, tmp_path: Path, capsys: Any) -> None:
    feed = tmp_path / "feed.parquet"

    assert main(["compare", root, "--out", str(feed)]) == ExitCode.DONE

    assert str(feed) in capsys.readouterr().out
    lines = pq.read_table(feed).to_pylist()
    assert [(line["field"], line["before"], line["after"]) for line in lines] == [("unread_messages_count", "3", "0")]
    assert feed.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["2020-01-01"], "no published snapshot"), ([str(FIRST), "2020-01-01"], "no published snapshot")],
)
def test_dates_that_no_snapshot_has(arguments: list[str], words: str, root: str, capsys: Any) -> None:
    code = main(["compare", root, *arguments])

    assert code == ExitCode.BAD_INPUT
    assert words in capsys.readouterr().err


def test_one_snapshot_alone_cannot_be_compared(tmp_path: Path, capsys: Any) -> None:
    publish(tmp_path / "root", FIRST, [row(1, 1)])

    assert main(["compare", str(tmp_path / "root")]) == ExitCode.BAD_INPUT
    assert "no snapshot before 2026-11-21" in capsys.readouterr().err
