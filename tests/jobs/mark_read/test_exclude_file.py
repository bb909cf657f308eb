"""Files of what must not be touched."""

from pathlib import Path

import pytest

from readstate.changes.selection.exclusions import Exclusions
from readstate.errors import BadInput
from readstate_jobs.mark_read.exclude_file import read_exclusions

US, CH = "US" + "a" * 32, "CH" + "b" * 32


def read(folder: Path, text: str, name: str = "exclude.txt") -> Exclusions:
    (folder / name).write_text(text, encoding="utf-8")
    return read_exclusions(str(folder / name))


def test_lines_name_users_and_conversations(tmp_path: Path) -> None:
    assert read(tmp_path, f"{US}\nann@example.org\n\n{CH}\n") == Exclusions(
        frozenset({US, "ann@example.org"}), frozenset({CH})
    )


def test_a_csv_names_users_conversations_and_memberships(tmp_path: Path) -> None:
    excluded = read(tmp_path, f'\ufeffuser,conversation\r\n{US},\r\n,{CH}\r\n\r\n"a,b",{CH}\r\n')

    assert excluded == Exclusions(frozenset({US}), frozenset({CH}), frozenset({("a,b", CH)}))


def test_a_csv_may_have_one_column(tmp_path: Path) -> None:
    assert read(tmp_path, f"conversation\n{CH}\n").conversations == {CH}
    assert read(tmp_path, "user\nann\n").users == {"ann"}


def test_every_wrong_line_is_listed_at_once(tmp_path: Path) -> None:
    text = f"user,conversation\n..,\n,unique-name\nIS{'1' * 32},{CH}\nfine,{CH}\n"

    with pytest.raises(BadInput) as wrong:
        read(tmp_path, text)

    assert "3 wrong lines" in wrong.value.message
    for line in ("line 2", "line 3", "line 4"):
        assert line in wrong.value.message


def test_a_long_list_of_wrong_lines_is_cut(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="and 10 more"):
        read(tmp_path, "..\n" * 60)


@pytest.mark.parametrize("text", ["", "\n\n", "user,conversation\n"])
def test_a_file_that_excludes_nothing_is_an_accident(text: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="excludes nothing"):
        read(tmp_path, text)


def test_a_file_that_cannot_be_read_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        read_exclusions(str(tmp_path / "nowhere"))
    (tmp_path / "latin").write_bytes(b"\xe4\n")
    with pytest.raises(BadInput, match="UTF-8"):
        read_exclusions(str(tmp_path / "latin"))
