"""The progress bar, as a terminal receives it."""

import io
import re

from readstate.observers.progress_bar import ProgressBar
from tests.helpers.progress import half_way


class Terminal(io.StringIO):
    """Remembers what is written, and says that it is a terminal."""

    def isatty(self) -> bool:
        return True

    @property
    def text(self) -> str:
        """What was written, without colours and movements of the cursor."""
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.getvalue())


def drawn(**changed: object) -> str:
    terminal = Terminal()
    bar = ProgressBar(terminal, verb="export")
    bar.update(half_way(**changed))
    bar.close()
    return terminal.text


def test_it_shows_how_far_the_run_is_and_how_long_it_will_take() -> None:
    text = drawn()

    assert re.search(r"export .*50 % 2 min left", text)
    assert "1 000 of 2 000 users, 5 123 rows, 42 requests/s, 87 of 96 in flight, 3 × 429" in text


def test_while_the_roster_grows_there_is_no_share() -> None:
    text = drawn(roster_is_complete=False, seconds_left=None)

    assert " % " not in text
    assert "or more users" in text


def test_an_empty_roster_is_no_division_by_zero() -> None:
    assert "0 of 0 users" in drawn(users_read=0, users_listed=0)


def test_the_last_stages_have_a_bar_of_their_own() -> None:
    assert "75 %" in drawn(stage="publishing", stage_done=3, stage_all=4)


def test_lines_stay_above_it_and_nothing_in_them_has_an_effect() -> None:
    terminal = Terminal()
    bar = ProgressBar(terminal, verb="export")
    bar.update(half_way())
    bar.write("user [red]US1[/red] [/] \x1b[31mfailed\nand forged")
    bar.close()

    assert "user [red]US1[/red] [/] \\x1b[31mfailed\\nand forged" in terminal.text
    assert "\x1b[31mfailed" not in terminal.getvalue()


def test_a_long_line_is_not_cut() -> None:
    terminal = Terminal()
    bar = ProgressBar(terminal, verb="export")
    bar.write("x" * 500)
    bar.close()

    assert "x" * 500 in terminal.text


def test_the_cursor_comes_back_at_the_end() -> None:
    terminal = Terminal()
    ProgressBar(terminal, verb="export").close()

    assert terminal.getvalue().rfind("\x1b[?25h") > terminal.getvalue().rfind("\x1b[?25l")
