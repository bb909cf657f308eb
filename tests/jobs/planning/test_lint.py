from pathlib import Path

from readstate.errors import ExitCode
from tests.helpers.changes_files import CH, US, write_lines
from tests.helpers.cli_shell import RunCommand


def test_all_problems_are_shown_by_code_and_listed_one_by_one(readstate: RunCommand) -> None:
    lines = [f"{US},CH{number:032x},1.2E+05" for number in range(12)]
    file = write_lines("bad.csv", "user,conversation,last_read_message_index", "..,x,1", *lines)

    linted = readstate("lint", str(file), "--op", "update")

    assert linted.code == ExitCode.BAD_INPUT
    assert "13 errors, 0 warnings" in linted.stdout
    assert "line 2, user '..'" in linted.stdout
    assert "and 3 more" in linted.stdout
    rejects = Path("bad.csv.rejects.csv")
    assert len(rejects.read_text().splitlines()) == 14


def test_a_good_file_leaves_no_list(readstate: RunCommand) -> None:
    file = write_lines("in.csv", "user;conversation;notification_level", f"{US};{CH};muted")

    linted = readstate("lint", str(file), "--op", "update", "--json")

    assert linted.code == 0
    assert (linted.document["rows"], linted.document["errors"], linted.document["rejects"]) == (1, 0, None)


def test_a_useless_header_is_shown_with_what_is_wrong(readstate: RunCommand) -> None:
    linted = readstate("lint", str(write_lines("in.csv", "a,b")), "--rejects", "all.csv")

    assert linted.code == ExitCode.BAD_INPUT
    assert "unknown column 'a'" in linted.stdout
    assert Path("all.csv").exists()
