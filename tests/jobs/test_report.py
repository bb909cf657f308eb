"""`readstate report` as a person types it."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from jobs.cli import main
from pipeline.errors import ExitCode
from tests.helpers.snapshots import publish, row


@pytest.fixture
def root(tmp_path: Path) -> str:
    publish(tmp_path / "root", date(2026, 11, 22), [row(1, 1)])
    publish(tmp_path / "root", date(2026, 11, 23), [row(1, 1, unread_messages_count=0)])
    return str(tmp_path / "root")


def test_the_page_goes_to_a_file_that_only_its_owner_reads(root: str, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "report.html"

    assert main(["report", root, "--out", str(out)]) == ExitCode.DONE

    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert out.stat().st_mode & 0o777 == 0o600
    assert capsys.readouterr().out == ""


def test_markdown_goes_to_stdout_and_names_nobody(root: str, capsys: Any) -> None:
    assert main(["report", root, "--markdown"]) == ExitCode.DONE

    text = capsys.readouterr().out
    assert text.startswith("## Who has read what on 2026-11-23")
    assert "user 1" not in text


def test_names_are_shown_when_asked_for_and_dates_chosen(root: str, capsys: Any) -> None:
    assert main(["report", root, "--markdown", "--show-pii", "--date", "2026-11-22"]) == ExitCode.DONE

    assert "user 1" in capsys.readouterr().out


def test_no_snapshot_is_said_briefly(tmp_path: Path, capsys: Any) -> None:
    assert main(["report", str(tmp_path)]) == ExitCode.BAD_INPUT
    assert "no published snapshot" in capsys.readouterr().err
