import io
import signal
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from readstate.errors import ExitCode
from readstate.snapshot.query.views import VIEWS
from tests.helpers.cli_shell import run_command, succeed
from tests.helpers.snapshots import publish, row

pytestmark = pytest.mark.process

DAY = date(2026, 11, 23)
QUESTION = (
    "SELECT identity, sum(unread_messages_count) AS unread, max(date_updated) AS at FROM latest GROUP BY 1 ORDER BY 1"
)


@pytest.fixture
def root(tmp_path: Path) -> str:
    root = tmp_path / "root"
    publish(root, DAY, [row(1, 1), row(1, 2), row(2, 1, unread_messages_count=None, identity='a "b",\x1b[31m')])
    publish(root, date(2026, 11, 22), [])
    return str(root)


def test_a_table_shows_null_as_null_and_control_characters_as_text(root: str) -> None:
    output = succeed("sql", root, QUESTION)

    assert "null" in output.stdout
    assert "\x1b" not in output.stdout
    assert "\\x1b" in output.stdout


def test_an_empty_result_says_so_beside_its_columns(root: str) -> None:
    output = succeed("sql", root, "select user_sid from user_conversations where false")

    assert output.stdout.splitlines()[0].strip() == "user_sid"
    assert output.stderr == "no rows\n"


def test_a_query_that_is_no_utf_8_is_told_as_that(root: str) -> None:
    output = run_command("sql", root, "select '\udcff'")

    assert output.code == ExitCode.BAD_INPUT
    assert "the query is not UTF-8" in output.stderr


def test_json_is_one_list_of_objects(root: str) -> None:
    assert succeed("sql", root, QUESTION, "--json").document == [
        {"identity": 'a "b",\x1b[31m', "unread": None, "at": "2026-10-01T00:00:00+00:00"},
        {"identity": "user 1", "unread": 6, "at": "2026-10-01T00:00:00+00:00"},
    ]
    assert succeed("sql", root, "FROM failures", "--json").document == []


def test_csv_quotes_what_needs_it(root: str) -> None:
    output = succeed("sql", root, QUESTION, "--csv")

    lines = output.stdout.splitlines()
    assert lines[0] == '"identity","unread","at"'
    assert lines[1].startswith('"a ""b"",')


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
def test_the_rows_go_to_a_file(kind: str, root: str, tmp_path: Path) -> None:
    out = tmp_path / f"rows.{kind}"

    output = succeed("sql", root, QUESTION, "--out", str(out))

    assert output.stdout == ""
    if kind == "parquet":
        assert pq.read_table(out).num_rows == 2
    else:
        assert "user 1" in out.read_text()


def test_the_query_may_come_on_stdin(root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT 41 + 1 AS answer"))

    output = succeed("sql", root, "-", "--json")

    assert output.document == [{"answer": 42}]


def test_a_query_is_understood_whatever_the_locale_has_made_of_it(root: str) -> None:
    typed = "SELECT 'é' AS a".encode().decode("ascii", "surrogateescape")

    assert succeed("sql", root, typed, "--json").document == [{"a": "é"}]


def test_without_a_query_the_views_are_shown(root: str) -> None:
    output = succeed("sql", root)

    assert all(view in output.stdout for view in VIEWS)


@pytest.mark.parametrize("arguments", [[], ["--csv"], ["--json"]])
def test_a_pipe_gets_all_rows(arguments: list[str], root: str) -> None:
    output = succeed("sql", root, "SELECT '' AS a, range AS b FROM range(2500)", *arguments)

    assert len(output.stdout.splitlines()) == 2500 + (1 if "--csv" in arguments else 2)
    assert "2499" in output.stdout.splitlines()[-2 if "--json" in arguments else -1]
    assert output.stderr == ""


def test_a_formula_is_escaped_unless_it_is_wanted_raw(root: str) -> None:
    assert succeed("sql", root, "SELECT '=1+1' AS a, 2 AS b", "--csv").stdout.splitlines()[1] == '"\'=1+1",2'
    assert succeed("sql", root, "SELECT '=1+1' AS a, 2 AS b", "--csv", "--raw").stdout.splitlines()[1] == '"=1+1",2'


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["SELEC 1"], ExitCode.BAD_INPUT, "syntax error"),
        (["SELECT 1", "--csv", "--json"], ExitCode.USAGE, "use one of them"),
        (["SELECT 1", "--out", "rows.xlsx"], ExitCode.BAD_INPUT, "unknown kind of file"),
        (["SELECT 1", "--date", "2020-01-01"], ExitCode.BAD_INPUT, "no published snapshot"),
    ],
)
def test_what_is_wrong_is_said_without_a_traceback(arguments: list[str], code: ExitCode, words: str, root: str) -> None:
    output = run_command("sql", root, *arguments)
    assert output.code == code

    story = output.stderr
    assert words in story
    assert "Traceback" not in story


def test_ctrl_c_ends_a_long_query_and_is_no_bug(root: str) -> None:
    output = run_command(
        "sql", root, "SELECT 1"
    )  # all modules are loaded: the next query begins long before the signal
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        output = run_command("sql", root, "SELECT count(*) FROM range(1000000000000) AS many")
    finally:
        signal.signal(signal.SIGALRM, before)

    assert output.code == ExitCode.INTERRUPTED
    assert "error: stopped" in output.stderr
