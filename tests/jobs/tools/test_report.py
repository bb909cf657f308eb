from datetime import date
from pathlib import Path

import pytest

from readstate.changes.runs.directory import RunDirectory, create_run
from readstate.changes.runs.journal import create_journal
from readstate.errors import ExitCode
from tests.helpers.cli_shell import run_command, succeed
from tests.helpers.journals import header
from tests.helpers.plans import plan_row, written_plan
from tests.helpers.snapshots import publish, row


@pytest.fixture
def root(tmp_path: Path) -> str:
    publish(tmp_path / "root", date(2026, 11, 22), [row(1, 1)])
    publish(tmp_path / "root", date(2026, 11, 23), [row(1, 1, unread_messages_count=0)])
    return str(tmp_path / "root")


def test_the_page_goes_to_a_file(root: str, tmp_path: Path) -> None:
    out = tmp_path / "report.html"

    output = succeed("report", root, "--out", str(out))

    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert output.stdout == ""


def test_open_shows_the_page_in_the_browser_and_says_where_there_is_none(
    root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    opened: list[str] = []
    monkeypatch.setattr("click.launch", lambda path: opened.append(path) or len(opened) - 1)

    shown, failed = (succeed("report", root, "--open") for _ in range(2))

    assert opened == ["report-2026-11-23.html"] * 2
    assert Path(opened[0]).read_text(encoding="utf-8").startswith("<!doctype html>")
    assert (shown.stdout, shown.stderr) == ("", "Written to report-2026-11-23.html\n")
    assert "No browser could be started" in failed.stderr
    assert run_command("report", root, "--open", "--out", "s3://b/x.html").code == ExitCode.USAGE


def test_markdown_goes_to_stdout_and_names_no_user_unless_asked_to(root: str) -> None:
    output = run_command("report", root, "--markdown")
    named = run_command("report", root, "--markdown", "--show-pii", "--date", "2026-11-22")

    assert output.code == named.code == ExitCode.DONE
    assert output.stdout.startswith("## Who has read what on 2026-11-23")
    assert named.stdout.startswith("## Who has read what on 2026-11-22")
    assert ("user 1" in output.stdout, "user 1" in named.stdout) == (False, True)


def test_a_folder_is_no_file_to_write_to(root: str, tmp_path: Path) -> None:
    output = run_command("report", root, "--out", str(tmp_path))
    assert output.code == ExitCode.USAGE
    output = run_command("report", root, "--out", str(tmp_path / "none" / "report.html"))
    assert output.code == ExitCode.LOCAL_DISK
    assert f"Make the folder {tmp_path / 'none'} first" in output.stderr


def test_all_writes_an_index_beside_the_snapshots(root: str, tmp_path: Path) -> None:
    beside, elsewhere = succeed("report", root, "--all"), succeed("report", root, "--all", "--out", str(tmp_path / "x"))

    assert f"Written to {root}/index.html" in beside.stderr
    assert f"Written to {tmp_path}/x/index.html" in elsewhere.stderr
    assert {path.name for path in (tmp_path / "x").iterdir()} == {
        "index.html", "index.csv", "2026-11-23.html", "2026-11-23.csv",
    }  # fmt: skip
    assert run_command("report", root, "--all", "--markdown").code == ExitCode.USAGE


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDirectory:
    monkeypatch.setenv("READSTATE_WORK_DIR", str(tmp_path / "work"))
    plan = written_plan(tmp_path / "plans", plan_row(0))
    directory = create_run(tmp_path / "work", "r-20261123T140000Z-ab12")
    begun = header(
        run_id=directory.run_id,
        plan_dir=str(plan.directory),
        plan_id=plan.manifest.plan_id,
        rows_sha256=plan.manifest.rows_sha256,
        executable=1,
    )
    create_journal(directory.journal, begun).close()
    return directory


@pytest.mark.usefixtures("run")
def test_a_run_goes_to_stdout_or_to_a_page(tmp_path: Path) -> None:
    shown = run_command("report", "last", "--markdown")
    written = run_command("report", "last", "--out", str(tmp_path / "run.html"), "--csv", str(tmp_path / "run.csv"))

    assert (shown.code, written.code) == (ExitCode.DONE, ExitCode.DONE)
    assert "0 of 1 rows are as planned" in shown.stdout
    assert "Run r-20261123T140000Z-ab12" in (tmp_path / "run.html").read_text(encoding="utf-8")
    assert "outcomes,updates,not sent,1" in (tmp_path / "run.csv").read_text(encoding="utf-8")


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize("option", [("--date", "2026-11-23"), ("--all",)])
def test_a_run_has_no_date(option: tuple[str, ...]) -> None:
    output = run_command("report", "last", *option)
    assert output.code == ExitCode.USAGE
    assert "Leave --date and --all out" in output.stderr


def test_a_run_whose_plan_is_gone_says_what_needs_none(run: RunDirectory, tmp_path: Path) -> None:
    (tmp_path / "plans").rename(tmp_path / "elsewhere")

    output = run_command("report", run.run_id)
    assert output.code == ExitCode.BAD_INPUT
    assert f"readstate status {run.run_id}" in output.stderr
