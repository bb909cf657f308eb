"""The commands of a changes file, as a person types them, against a Twilio on loopback."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from readstate.errors import ExitCode
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import RunningSimulator, running
from readstate.simulator.world.world import World
from readstate_jobs.cli.main import main

US, CH = "US" + "a" * 32, "CH" + "b" * 32


@pytest.fixture(scope="module")
def twilio() -> Iterator[RunningSimulator]:
    with running(World(WorldShape(users=60, services=1, heaviest=60))) as simulator:
        yield simulator


@pytest.fixture(autouse=True)
def desk(twilio: RunningSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("TWILIO_AUTH_TOKEN", "TWILIO_EDGE", "TWILIO_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TWILIO_API_KEY", twilio.credentials.api_key)
    monkeypatch.setenv("TWILIO_API_SECRET", twilio.credentials.api_secret)
    monkeypatch.setenv("READSTATE_BASE_URL", twilio.base_url)


def rows(twilio: RunningSimulator) -> list[dict[str, Any]]:
    return [row for row in twilio.oracle.every_user_conversation() if row["conversation_state"] != "closed"]


def write(name: str, *lines: str) -> str:
    Path(name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return name


def changes(twilio: RunningSimulator) -> str:
    """Three updates and a removal."""
    found = rows(twilio)
    other = {"default": "muted", "muted": "default"}
    lines = [
        f"{row['user_sid']},{row['conversation_sid']},update,{other[row['notification_level']]}" for row in found[:3]
    ]
    return write(
        "ops.csv",
        "user,conversation,op,notification_level",
        *lines,
        f"{found[4]['user_sid']},{found[4]['conversation_sid']},delete,",
    )


def test_a_template_is_a_file_that_lint_accepts(capsys: pytest.CaptureFixture[str]) -> None:
    for operation in ("update", "delete"):
        assert main(["template", "--op", operation]) == 0
        name = write("in.csv", capsys.readouterr().out)
        assert main(["lint", name, "--op", operation]) == 0
        assert "0 errors, 0 warnings" in capsys.readouterr().out


def test_lint_tells_all_problems_and_keeps_them(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    lines = [f"{US},CH{number:032x},1.2E+05" for number in range(12)]
    name = write("bad.csv", "user,conversation,last_read_message_index", "..,x,1", *lines)

    assert main(["lint", name, "--op", "update"]) == ExitCode.BAD_INPUT

    out = capsys.readouterr().out
    assert "13 errors, 0 warnings" in out
    assert "line 2, user '..'" in out
    assert "and 3 more" in out
    rejects = tmp_path / "bad.csv.rejects.csv"
    assert len(rejects.read_text().splitlines()) == 14
    assert rejects.stat().st_mode & 0o777 == 0o600


def test_lint_needs_neither_credentials_nor_network(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TWILIO_API_KEY")
    name = write("in.csv", "user;conversation;notification_level", f"{US};{CH};muted")

    assert main(["lint", name, "--op", "update", "--json"]) == 0

    document = json.loads(capsys.readouterr().out)
    assert (document["rows"], document["errors"], document["rejects"]) == (1, 0, None)


def test_lint_of_a_useless_header_shows_what_is_wrong_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", write("in.csv", "a,b"), "--rejects", "all.csv"]) == ExitCode.BAD_INPUT

    assert "unknown column 'a'" in capsys.readouterr().out
    assert Path("all.csv").exists()


def test_a_plan_is_shown_and_nothing_was_changed(
    twilio: RunningSimulator, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    twilio.reset_counters()
    name = changes(twilio)

    assert main(["plan", name]) == 0

    out = capsys.readouterr().out
    assert "~ update     3" in out
    assert "needs --confirm-deletes 1" in out
    assert "To carry it out: readstate apply plans/p-" in out
    (directory,) = (tmp_path / "plans").iterdir()
    assert {path.name for path in directory.iterdir()} == {
        "manifest.json", "rows.parquet", "participants.jsonl.gz", "rejects.csv", "summary.txt", "summary.md",
        "summary.json", "summary.html",
    }  # fmt: skip
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}
    assert {method for method, _, _ in twilio.counters().answers} == {"GET"}
    assert not twilio.effects()
    assert twilio.credentials.api_secret not in "".join(
        path.read_text(errors="replace") for path in directory.iterdir()
    )


def test_machines_get_one_document_and_their_own_exit_code(
    twilio: RunningSimulator, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", changes(twilio), "--json", "--detailed-exitcode", "-o", "here"]) == ExitCode.CHANGES_PRESENT

    document = json.loads(capsys.readouterr().out)
    assert Path(document["plan_dir"]).name == document["plan_id"]
    assert (document["counts"]["update"], document["counts"]["delete"]) == (3, 1)
    assert any(guard["needs"] == "--confirm-deletes 1" for guard in document["guards"])

    assert main(["show", document["plan_id"], "-o", "here", "--detailed-exitcode"]) == ExitCode.CHANGES_PRESENT
    assert main(["show", document["plan_dir"], "--json"]) == 0


def test_a_plan_without_changes_exits_with_0_even_in_detail(
    twilio: RunningSimulator, capsys: pytest.CaptureFixture[str]
) -> None:
    row = rows(twilio)[0]
    name = write(
        "same.csv", "user,conversation,notification_level",
        f"{row['user_sid']},{row['conversation_sid']},{row['notification_level']}",
    )  # fmt: skip

    assert main(["plan", name, "--op", "update", "--detailed-exitcode"]) == 0
    assert "To carry it out" not in capsys.readouterr().out


def test_bad_lines_stop_a_plan_or_are_left_out_of_it(
    twilio: RunningSimulator, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    row = rows(twilio)[0]
    good = f"{row['user_sid']},{row['conversation_sid']},@latest"
    name = write("mixed.csv", "user,conversation,last_read_message_index", good, "..,x,1")

    assert main(["plan", name, "--op", "update"]) == ExitCode.BAD_INPUT
    captured = capsys.readouterr()
    assert "E-DOT-SEGMENT" in captured.out
    assert "--on-invalid skip" in captured.err
    assert [path.name for path in (tmp_path / "plans").iterdir()] == ["mixed.csv.rejects.csv"]
    assert main(["plan", name, "--op", "update", "--json"]) == ExitCode.BAD_INPUT
    assert json.loads(capsys.readouterr().out)["errors"] == 1

    assert main(["plan", name, "--op", "update", "--on-invalid", "skip"]) == 0
    assert "x invalid" in capsys.readouterr().out


def test_a_file_without_lines_is_no_plan(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", write("empty.csv", "user,conversation"), "--op", "delete"]) == ExitCode.BAD_INPUT
    assert "no lines to plan" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["text", "json", "md", "html"])
def test_a_plan_can_be_shown_in_every_form(
    form: str, twilio: RunningSimulator, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["plan", changes(twilio), "--json"])
    plan = json.loads(capsys.readouterr().out)["plan_dir"]

    assert main(["show", plan, "--format", form]) == 0

    shown = capsys.readouterr().out
    assert Path(plan).name in shown
    if form == "html":
        assert shown == (Path(plan) / "summary.html").read_text()


def test_some_rows_of_a_plan_can_be_shown(twilio: RunningSimulator, capsys: pytest.CaptureFixture[str]) -> None:
    main(["plan", changes(twilio), "--json"])
    plan = json.loads(capsys.readouterr().out)["plan_dir"]

    assert main(["show", plan, "--only", "delete"]) == 0
    assert capsys.readouterr().out.startswith(" - line 5")
    assert main(["show", plan, "--row", "1"]) == 0
    assert "notification_level" in capsys.readouterr().out
    assert main(["show", plan, "--row", "99"]) == ExitCode.BAD_INPUT
    assert main(["show", plan, "--limit", "1", "--format", "md"]) == 0


def test_a_plan_that_was_touched_is_not_shown(twilio: RunningSimulator, capsys: pytest.CaptureFixture[str]) -> None:
    main(["plan", changes(twilio), "--json"])
    plan = Path(json.loads(capsys.readouterr().out)["plan_dir"])
    manifest = plan / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"deletes": 1', '"deletes": 0'))

    assert main(["show", str(plan)]) == ExitCode.PLAN_UNUSABLE


def test_the_author_of_a_plan_is_named_even_without_a_name(
    twilio: RunningSimulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.getuid", lambda: 3_999_999_999)
    for name, value in (("SERVER_URL", "https://git.example"), ("REPOSITORY", "a/b"), ("RUN_ID", "7")):
        monkeypatch.setenv(f"GITHUB_{name}", value)

    main(["plan", changes(twilio), "--json"])

    manifest = json.loads((Path(json.loads(capsys.readouterr().out)["plan_dir"]) / "manifest.json").read_text())
    assert manifest["planner"]["os_user"].isdigit()
    assert manifest["planner"]["ci_url"] == "https://git.example/a/b/actions/runs/7"
    assert manifest["api_key_sid_suffix"] == twilio.credentials.api_key[-4:]
