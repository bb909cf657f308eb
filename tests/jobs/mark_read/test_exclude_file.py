from pathlib import Path

import pytest

from readstate.changes.selection.exclusions import Exclusions
from readstate.errors import BadInput
from readstate_jobs.mark_read.exclude_file import read_exclusions

US, CH = "US" + "a" * 32, "CH" + "b" * 32


def read(folder: Path, text: str) -> Exclusions:
    (folder / "exclude.txt").write_text(text, encoding="utf-8")
    return read_exclusions(str(folder / "exclude.txt"), warn=pytest.fail)


@pytest.mark.parametrize(
    ("text", "excluded"),
    [
        (f"{US}\nann@example.org\n\n{CH}\n", Exclusions(frozenset({US, "ann@example.org"}), frozenset({CH}))),
        (f"conversation\n{CH}\n", Exclusions(conversations=frozenset({CH}))),
        (
            f'\ufeffuser,conversation\r\n{US},\r\n,{CH}\r\n\r\n"a,b",{CH}\r\n',
            Exclusions(frozenset({US}), frozenset({CH}), frozenset({("a,b", CH)})),
        ),
    ],
)
def test_lines_name_users_conversations_and_memberships(text: str, excluded: Exclusions, tmp_path: Path) -> None:
    assert read(tmp_path, text) == excluded


def test_every_wrong_line_is_listed_at_once(tmp_path: Path) -> None:
    text = f"user,conversation\n..,\n,unique-name\nIS{'1' * 32},{CH}\nfine,{CH}\na,b,c\n"

    with pytest.raises(BadInput) as wrong:
        read(tmp_path, text)

    assert "4 problems" in wrong.value.message
    for line in ("line 2", "line 3", "line 4", "line 6"):
        assert line in wrong.value.message


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "file is empty"), ("\n\n", "file is empty"), ("user,conversation\n", "neither a user nor a conversation")],
)
def test_a_file_that_excludes_nothing_is_an_accident(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=message):
        read(tmp_path, text)
