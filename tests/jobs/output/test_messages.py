import io
import json
import re
import sys

import click
import pytest

from readstate.observers.progress_bar import ProgressBar
from readstate_jobs.output.messages import CommandLine, command_line, escape_lines, next_line
from tests.helpers.progress import half_way


def test_control_characters_become_visible_and_line_ends_stay() -> None:
    assert escape_lines("one\x1b[31m\r\ntwo\u202e") == "one\\x1b[31m\\r\ntwo\\u202e"


def test_a_message_for_people_has_its_hint_below_and_no_facts(capsys: pytest.CaptureFixture[str]) -> None:
    CommandLine().print_message("it failed\x1b[31m", level="error", hint="Try again.", exit_code=10)

    assert capsys.readouterr().err == "error: it failed\\x1b[31m\nTry again.\n"


def test_a_message_for_log_collectors_is_one_object_with_its_facts(capsys: pytest.CaptureFixture[str]) -> None:
    CommandLine(log_format="json").print_message("it failed", level="error", hint="Try again.", exit_code=10)

    entry = json.loads(capsys.readouterr().err)
    assert entry.pop("time").endswith("+00:00")
    assert entry == {
        "level": "error", "event": "message", "message": "it failed", "hint": "Try again.", "exit_code": 10,
    }  # fmt: skip


@pytest.mark.parametrize(("environment", "colour"), [({}, None), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colours_are_left_to_click_unless_they_are_unwanted(
    environment: dict[str, str], colour: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert CommandLine().colour is colour


class _Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


def test_a_message_under_a_progress_bar_has_lines_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    written = io.BytesIO()
    terminal = _Terminal(written, encoding="utf-8", errors="backslashreplace", write_through=True)
    monkeypatch.setattr(sys, "stderr", terminal)
    bar = ProgressBar(terminal, verb="export")
    bar.update(half_way())

    CommandLine().print_message(
        "SIGINT: finishing what is in flight for 20 s at most; press Ctrl-C again to exit at once"
    )

    shown = written.getvalue().decode()
    bar.close()
    assert re.search(r"\x1b\[2KSIGINT: [^\n]+ to exit\nat once\nexport", shown), "above a bar that is drawn anew"


def test_the_command_line_is_the_object_of_the_context() -> None:
    typed = CommandLine(["settings"])

    with click.Context(click.Command("settings"), obj=typed):
        assert command_line() is typed
    assert command_line() == CommandLine()


def test_what_to_type_next_names_the_same_account_and_place() -> None:
    typed = CommandLine(["apply", "p-1", "--profile", "eu", "--json", "--work-dir=my work"])

    with click.Context(click.Command("apply"), obj=typed):
        assert next_line("resume", "r-1") == "readstate resume r-1 --profile eu '--work-dir=my work'"
