"""No query reaches a file, the network or a setting: neither past the check of statements nor past DuckDB itself."""

from pathlib import Path

import duckdb
import pytest

from readstate.errors import BadInput
from readstate.snapshot.query.catalog import open_catalog
from tests.helpers.querying import query_rows

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
    "PRAGMA enable_external_access",
    "CREATE TABLE t AS SELECT 1",
    "CREATE SECRET s (TYPE http)",
    "DROP VIEW users",
    "EXPLAIN ANALYZE COPY users TO '{target}'",
    "PREPARE p AS COPY users TO '{target}'",
    "SELECT 1; COPY users TO '{target}'",
]


@pytest.mark.parametrize("query", OUTSIDE)
def test_nothing_outside_the_views_is_reached(query: str, root: Path, tmp_path: Path) -> None:
    parquet = next((root / "user_conversations").rglob("*.parquet"))
    before, target = parquet.read_bytes(), tmp_path / "target"

    with pytest.raises(BadInput):
        query_rows(root, query.format(parquet=parquet, target=target))
    assert not target.exists()
    assert parquet.read_bytes() == before


@pytest.mark.parametrize("query", [one for one in OUTSIDE if ";" not in one])
def test_the_database_itself_refuses_to_reach_outside(query: str, root: Path, tmp_path: Path) -> None:
    """The second barrier: a statement that the check of statements let pass reads no file and writes none."""
    parquet = next((root / "user_conversations").rglob("*.parquet"))
    before, target = parquet.read_bytes(), tmp_path / "target"
    secret = "root:x:0:0"

    with open_catalog(str(root)) as snapshots:
        try:
            answer = str(snapshots.connection.execute(query.format(parquet=parquet, target=target)).fetchall())
        except duckdb.Error as refusal:
            answer = str(refusal)
        access = snapshots.connection.execute("SELECT current_setting('enable_external_access')").fetchone()
    assert access == (False,)
    assert secret not in answer
    assert not target.exists()
    assert parquet.read_bytes() == before
