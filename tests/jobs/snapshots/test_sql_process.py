"""A query is ended when it exceeds a limit, whatever DuckDB itself would do."""

import os
import signal
import sys
from datetime import date
from pathlib import Path

import pytest

from readstate.errors import BadInput, StoppedEarly
from readstate_jobs.snapshots import sql_process
from readstate_jobs.snapshots.sql_process import run_in_process
from tests.helpers.processes import spawn, wait_until
from tests.helpers.snapshots import publish, row

ENDLESS = "SELECT count(*) FROM range(1000000000000)"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("sql") / "root"
    publish(root, date(2026, 11, 23), [row(1, 1)])
    return str(root)


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files, in which nothing may be left."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def rows(root: str, query: str, timeout_seconds: float = 60) -> int:
    with run_in_process(root, None, query, timeout_seconds=timeout_seconds) as result:
        return sum(map(len, result.batches))


def test_rows_and_schema_arrive_as_they_are(root: str, temporary: Path) -> None:
    with run_in_process(
        root, None, "SELECT 'x'::ENUM('x', 'y') AS e, [1] AS l FROM range(5000)", timeout_seconds=60
    ) as r:
        assert r.schema.names == ["e", "l"]
        assert sum(map(len, r.batches)) == 5000

    assert not list(temporary.iterdir())


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT list_sum(range(0, 200000000))", "more than the 900 MB of memory"),  # one value of one row
        ("SELECT repeat('x', 70000000)", "one row of the result has 70.0 MB; at most 64.0 MB"),
        ("SELEC 1", "syntax error"),
    ],
)
def test_a_query_that_takes_too_much_is_refused(
    query: str, words: str, root: str, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_process, "MEMORY_BYTES", 900_000_000)
    with pytest.raises(BadInput, match=words):
        rows(root, query)

    assert not list(temporary.iterdir())


@pytest.mark.parametrize(
    "query",
    [
        ENDLESS,
        "SELECT * FROM range(1000000000000)",
        "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range < 0",
        "SELECT length(lpad('x', 1500000000, 'y'))",  # one function, which DuckDB does not interrupt
    ],
)
def test_a_query_that_takes_too_long_is_ended(query: str, root: str, temporary: Path) -> None:
    with pytest.raises(StoppedEarly, match=r"not done after 0.3 s"):
        rows(root, query, timeout_seconds=0.3)

    assert not list(temporary.iterdir())


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_no_query_outlives_its_command_and_no_file_of_it(how: signal.Signals, root: str, temporary: Path) -> None:
    sort = "SELECT * FROM range(1000000000000) ORDER BY 1 DESC"
    env = {"PATH": os.environ["PATH"], "HOME": str(temporary), "TMPDIR": str(temporary)}
    command = spawn([sys.executable, "-m", "readstate_jobs", "sql", root, sort], env)
    wait_until(lambda: any(temporary.glob("readstate-*/readstate-*")), command)

    command.send_signal(how)
    command.wait()

    wait_until(lambda: not any(temporary.glob("readstate-*")))
