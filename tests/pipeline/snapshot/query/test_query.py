"""A question reads the views, and nothing else whatever it says."""

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from readstate.errors import BadInput
from readstate.snapshot.query.catalog import VIEWS, Catalog, open_catalog
from readstate.snapshot.query.query import run_query
from tests.helpers.snapshots import conversation_sid, publish, row

OLD, NEW = date(2026, 11, 22), date(2026, 11, 23)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    publish(root, OLD, [row(1, 1)], failures=[{"reason": "502"}])
    publish(root, NEW, [row(1, 1), row(1, 2)])
    return root


def rows(root: Path, question: str, day: date | None = None) -> list[Any]:
    with open_catalog(str(root), day, for_query=question) as snapshots:
        return [tuple(line.values()) for batch in run_query(snapshots, question).batches for line in batch.to_pylist()]


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_has_the_columns_that_are_promised(view: str, root: Path) -> None:
    with open_catalog(str(root), for_query=view) as snapshots:
        assert run_query(snapshots, f"SELECT * FROM {view}").schema.names == VIEWS[view].names


def test_a_date_chooses_the_snapshot_and_latest_stays_the_newest(root: Path) -> None:
    question = "SELECT (SELECT count(*) FROM user_conversations), (SELECT count(*) FROM latest)"

    assert rows(root, question) == [(2, 2)]
    assert rows(root, question, OLD) == [(1, 2)]


def test_all_dates_are_told_apart(root: Path) -> None:
    assert rows(root, "SELECT snapshot_date, count(*) FROM user_conversations_all GROUP BY 1 ORDER BY 1") == [
        (OLD, 1),
        (NEW, 2),
    ]
    assert rows(root, "SELECT snapshot_date, reason FROM failures_all") == [(OLD, "502")]


def test_no_failure_at_all_is_an_empty_view(tmp_path: Path) -> None:
    publish(tmp_path / "root", NEW, [row(1, 1)])

    assert rows(tmp_path / "root", "SELECT * FROM failures_all") == []


def test_changes_are_those_since_the_snapshot_before(root: Path) -> None:
    assert rows(root, "SELECT change_type, conversation_sid FROM Changes WHERE dataset = 'user_conversations'") == [
        ("addition_unknown", conversation_sid(2))
    ]


def test_the_first_snapshot_has_no_changes(root: Path) -> None:
    with pytest.raises(BadInput, match="no snapshot before 2026-11-22"):
        rows(root, "SELECT * FROM changes", OLD)


def test_only_what_a_manifest_names_is_seen(root: Path) -> None:
    stray = next((root / "user_conversations").rglob("*.parquet"))
    stray.with_name("stray.parquet").write_bytes(stray.read_bytes())

    assert rows(root, "SELECT count(*) FROM user_conversations_all") == [(3,)]


def test_columns_of_one_name_are_told_apart(root: Path) -> None:
    assert rows(root, "SELECT 1 AS a, 2 AS a, 3 AS a") == [(1, 2, 3)]


OUTSIDE = [
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/etc/passwd')",
    "SELECT * FROM read_json('/etc/passwd')",
    "SELECT * FROM read_parquet('{parquet}')",
    "SELECT * FROM '{parquet}'",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM parquet_metadata('{parquet}')",
    "SELECT * FROM read_csv('https://example.com/x.csv')",
    "SELECT * FROM read_parquet('s3://bucket/x.parquet')",
    "SELECT getenv('HOME')",
    "SELECT * FROM root",
    "COPY users TO '{target}'",
    "COPY (SELECT 1) TO '{parquet}'",
    "COPY users FROM '/etc/passwd'",
    "EXPORT DATABASE '{target}'",
    "IMPORT DATABASE '{target}'",
    "ATTACH '{target}'",
    "ATTACH ':memory:' AS other",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "SET threads = 1",
    "RESET enable_external_access",
    "PRAGMA enable_external_access",
    "PRAGMA database_list",
    "SET VARIABLE a = 1",
    "CALL pragma_version()",
    "CREATE TABLE t AS SELECT 1",
    "CREATE SECRET s (TYPE http)",
    "DROP VIEW users",
    "DELETE FROM users",
    "INSERT INTO users VALUES (1)",
    "UPDATE users SET sid = ''",
    "USE memory",
    "CHECKPOINT",
    "BEGIN",
    "EXPLAIN ANALYZE COPY users TO '{target}'",
    "PREPARE p AS COPY users TO '{target}'",
    "SELECT 1; COPY users TO '{target}'",
]


@pytest.mark.parametrize("question", OUTSIDE)
def test_nothing_outside_the_views_is_reached(question: str, root: Path, tmp_path: Path) -> None:
    parquet = next((root / "user_conversations").rglob("*.parquet"))
    before, target = parquet.read_bytes(), tmp_path / "target"

    with pytest.raises(BadInput):
        rows(root, question.format(parquet=parquet, target=target))
    assert not target.exists()
    assert parquet.read_bytes() == before


@pytest.mark.parametrize("question", [one for one in OUTSIDE if ";" not in one])
def test_the_database_itself_refuses_to_reach_outside(question: str, root: Path, tmp_path: Path) -> None:
    """The second wall: even a statement that got past the first one reads no file and writes none."""
    parquet = next((root / "user_conversations").rglob("*.parquet"))
    before, target = parquet.read_bytes(), tmp_path / "target"
    secret = "root:x:0:0"

    with open_catalog(str(root)) as snapshots:
        try:
            told = str(snapshots.connection.execute(question.format(parquet=parquet, target=target)).fetchall())
        except duckdb.Error as refusal:
            told = str(refusal)
        access = snapshots.connection.execute("SELECT current_setting('enable_external_access')").fetchone()
    assert access == (False,)
    assert secret not in told
    assert not target.exists()
    assert parquet.read_bytes() == before


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT nope FROM users", '"nope" not found'),
        ("SELECT * FROM user", 'Did you mean "users"'),
        ("SELECT * FROM nope", "nope does not exist!\\n"),
        ("SELECT identity::INTEGER FROM users", "Could not convert"),
        ("SELECT error('no')", "no"),
        ("", "there is no query"),
        ("SELECT 1; SELECT 2", "2 queries"),
        ("SELECT * FROM read_csv('/etc/passwd')", "may read the views only"),
        ("DROP VIEW users", "read-only"),
    ],
)
def test_a_wrong_question_gets_a_short_answer(question: str, words: str, root: Path) -> None:
    with pytest.raises(BadInput, match=words) as refusal:
        rows(root, question)

    assert "\n" not in refusal.value.message
    assert len(refusal.value.message) < 250


@pytest.mark.parametrize(
    "question",
    ["DESCRIBE users", "SUMMARIZE users", "FROM users", "WITH u AS (FROM users) FROM u", "SHOW TABLES", "VALUES (1)"],
)
def test_what_only_reads_is_answered(question: str, root: Path) -> None:
    assert rows(root, question)


def test_work_spills_into_a_private_folder_that_goes_away(root: Path) -> None:
    with open_catalog(str(root)) as snapshots:
        folder = Path(str(_setting(snapshots, "temp_directory")))
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not folder.exists()


def _setting(snapshots: Catalog, name: str) -> object:
    row = snapshots.connection.execute(f"SELECT current_setting('{name}')").fetchone()
    assert row is not None
    return row[0]
