import io
import json
import sys

import click
import pytest

from readstate_jobs.output.terminal import print_json, print_plan, print_table


def test_into_a_pipe_a_row_is_one_line_without_colour_or_blanks_at_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([["a", "x" * 500, "7"], ["evil\x1b[31m", "[bold]no markup[/bold]", "1 000"]], header=["k", "v", "n"])

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert "x" * 500 in lines[2]
    assert "evil\\x1b[31m" in lines[3]
    assert "[bold]no markup[/bold]" in lines[3]
    assert all(line == line.rstrip() and "\x1b" not in line for line in lines)


class Terminal(io.StringIO):
    """A stdout that is a terminal."""

    def isatty(self) -> bool:
        return True


def sixty_columns(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Make stdout a terminal of 60 columns; no fixture, because pytest would replace stdout again before the test."""
    opened = Terminal()
    monkeypatch.setattr(sys, "stdout", opened)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("LINES", "25")  # a dumb terminal is 80 wide unless both are set
    monkeypatch.setenv("TERM", "dumb")
    return opened


def test_at_a_terminal_a_table_fits_its_width(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = sixty_columns(monkeypatch)
    print_table([["name", "x" * 200]], header=["k", "v"])

    lines = terminal.getvalue().splitlines()
    assert max(map(len, lines)) <= 60
    assert sum(line.count("x") for line in lines) == 200, "folded, not cut off"


def test_at_a_terminal_a_table_whose_head_does_not_fit_becomes_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = sixty_columns(monkeypatch)
    names = [f"column_{number}" for number in range(10)]

    print_table([["a"] * 10, ["b"] * 10], header=names)

    lines = [line.split() for line in terminal.getvalue().splitlines() if line.strip()]
    assert lines == [[name, value] for value in ("a", "b") for name in names]


@pytest.mark.parametrize("cells", [["7", "1 000"], ["null", "-3.5"], ["1e-05", "20 %"]])
def test_numbers_align_at_the_right_whatever_is_missing(cells: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    print_table([[cell, "text"] for cell in cells], header=["number", "k"])

    lines = capsys.readouterr().out.splitlines()[2:]
    assert len({line.index("text") - len(line[: line.index("text")].rstrip()) for line in lines}) == 1


_SID = "US" + "0123456789abcdef" * 2
_PLAN = f" ~ line 2      {_SID} / {_SID}  last_read_message_index 5 -> 9\n!  nothing\n\n - delete 1\n ok no rewinds\n"


def test_a_plan_has_its_marks_in_colour_and_is_broken_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = sixty_columns(monkeypatch)

    print_plan(_PLAN)

    shown = terminal.getvalue()
    assert shown.count(_SID) == 2, "whole, to be pasted"
    assert all(len(line) <= 60 for line in click.unstyle(shown).splitlines())
    assert "\x1b[33m\x1b[1m ~ " in shown
    assert "\x1b[31m\x1b[1m - " in shown
    assert "\x1b[32m\x1b[1m ok " in shown


def test_a_plan_in_a_pipe_is_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    print_plan(_PLAN)

    assert capsys.readouterr().out == _PLAN


def test_alarms_are_red_at_a_terminal_that_has_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = sixty_columns(monkeypatch)
    monkeypatch.setenv("TERM", "xterm")

    print_table([["complete", "NO"], ["NOTE", "no"]], alarms={"NO"})

    assert terminal.getvalue().count("\x1b[1;31m") == 1
    assert "\x1b[1;31mNO\x1b[0m" in terminal.getvalue()


def test_json_keeps_text_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"identity": "Zoë", "n": 1})

    out = capsys.readouterr().out
    assert "Zoë" in out
    assert json.loads(out) == {"identity": "Zoë", "n": 1}
