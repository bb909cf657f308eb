from datetime import date
from pathlib import Path

import pytest

from readstate.errors import BadInput
from readstate.snapshot.query.catalog import open_catalog
from readstate.snapshot.query.query import run_query
from readstate.snapshot.query.views import VIEWS
from tests.helpers.querying import query_rows
from tests.helpers.snapshots import conversation_sid, publish, row

OLD, NEW = date(2026, 11, 22), date(2026, 11, 23)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    publish(root, OLD, [row(1, 1)], failures=[{"reason": "502"}])
    publish(root, NEW, [row(1, 1), row(1, 2)])
    return root


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_has_the_columns_that_are_promised(view: str, root: Path) -> None:
    with open_catalog(str(root), for_query=view) as snapshots:
        assert run_query(snapshots, f"SELECT * FROM {view}").schema.names == VIEWS[view].names


def test_a_date_chooses_the_snapshot_and_latest_stays_the_newest(root: Path) -> None:
    query = "SELECT (SELECT count(*) FROM user_conversations), (SELECT count(*) FROM latest)"

    assert query_rows(root, query) == [(2, 2)]
    assert query_rows(root, query, OLD) == [(1, 2)]


def test_all_dates_are_answer_apart(root: Path) -> None:
    assert query_rows(root, "SELECT snapshot_date, count(*) FROM user_conversations_all GROUP BY 1 ORDER BY 1") == [
        (OLD, 1),
        (NEW, 2),
    ]
    assert query_rows(root, "SELECT snapshot_date, reason FROM failures_all") == [(OLD, "502")]


def test_no_failure_at_all_is_an_empty_view(tmp_path: Path) -> None:
    publish(tmp_path / "root", NEW, [row(1, 1)])

    assert query_rows(tmp_path / "root", "SELECT * FROM failures_all") == []


def test_changes_are_those_since_the_snapshot_before(root: Path) -> None:
    assert query_rows(
        root, "SELECT change_type, conversation_sid FROM Changes WHERE dataset = 'user_conversations'"
    ) == [("addition_unknown", conversation_sid(2))]


def test_the_first_snapshot_has_no_changes(root: Path) -> None:
    with pytest.raises(BadInput, match="no snapshot before 2026-11-22"):
        query_rows(root, "SELECT * FROM changes", OLD)


def test_only_what_a_manifest_names_is_seen(root: Path) -> None:
    orphan = next((root / "user_conversations").rglob("*.parquet"))
    orphan.with_name("orphan.parquet").write_bytes(orphan.read_bytes())

    assert query_rows(root, "SELECT count(*) FROM user_conversations_all") == [(3,)]


def test_work_spills_into_a_private_folder_that_goes_away(root: Path) -> None:
    with open_catalog(str(root)) as snapshots:
        ((folder_name,),) = snapshots.connection.execute("SELECT current_setting('temp_directory')").fetchall()
        folder = Path(folder_name)
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not folder.exists()
