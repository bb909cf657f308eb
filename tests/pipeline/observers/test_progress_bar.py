import io
import re

import pytest

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
    assert "1 000 of 2 000 users, 5 123 rows, 42 requests/s, 429s: 3, 87 of 96 in flight" in text


def test_while_the_roster_grows_there_is_no_share() -> None:
    text = drawn(roster_is_complete=False, seconds_left=None)

    assert " % " not in text
    assert "1 000 users (their total is not known yet)" in text


def test_where_last_nights_numbers_are_known_there_is_a_share_from_the_beginning() -> None:
    text = drawn(roster_is_complete=False, pages_foreseen=4000, pages=1080)

    assert re.search(r"about 27 % 2 min left", text)
    assert "1 000 of about 2 000 users" in text


@pytest.mark.parametrize("columns", [40, 80])
def test_no_line_is_wrapped(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))

    text = drawn(
        roster_is_complete=False,
        users_listed=1_234_567,
        rows=123_456_789,
        pages_foreseen=9_999_999,
        last_error="connection refused by a proxy with a long name",
        outage_seconds=4_000.0,
    )

    assert max(map(len, re.split(r"[\r\n]+", text))) <= columns - 2, "^C needs room too"


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


def test_a_long_line_is_broken_between_words_and_a_long_word_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    terminal = Terminal()
    bar = ProgressBar(terminal, verb="export")
    bar.write("word " * 30 + "x" * 500)
    bar.close()

    words, rest, long_word = terminal.text.split("\n")[:3]
    assert (words.strip(), rest.strip()) == (("word " * 16).strip(), ("word " * 14).strip())
    assert "x" * 500 in long_word


def test_the_cursor_comes_back_at_the_end() -> None:
    terminal = Terminal()
    ProgressBar(terminal, verb="export").close()

    assert terminal.getvalue().rfind("\x1b[?25h") > terminal.getvalue().rfind("\x1b[?25l")
