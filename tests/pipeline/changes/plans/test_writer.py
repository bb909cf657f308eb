import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from readstate.changes.plans import writer as plan_writer
from readstate.changes.plans.reader import read_manifest
from readstate.changes.plans.writer import PlanWriter
from readstate.errors import LocalDisk
from tests.helpers.plans import plan_row, written_plan


def test_only_its_owner_can_look_into_a_plan(tmp_path: Path) -> None:
    os.umask(0o000)
    try:
        plan = written_plan(tmp_path / "plans", plan_row(0))
    finally:
        os.umask(0o022)

    assert plan.directory.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in plan.directory.iterdir()} == {0o600}


@pytest.mark.parametrize(("rows", "groups"), [(0, []), (8_193, [8_192, 1])])
def test_rows_are_written_in_order_some_thousand_in_a_group(tmp_path: Path, rows: int, groups: list[int]) -> None:
    plan = written_plan(tmp_path, *(plan_row(number) for number in range(rows)))

    file = pq.ParquetFile(plan.directory / "rows.parquet")
    assert [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)] == groups
    assert file.read(["plan_row_id"])["plan_row_id"].to_pylist() == list(range(rows))


def test_an_error_leaves_no_half_written_plan(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), PlanWriter(tmp_path) as writer:
        writer.add(plan_row(0))
        raise ZeroDivisionError

    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_cannot_be_written_to_is_a_disk_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalDisk, match="file"):
        PlanWriter(tmp_path / "file")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(plan_writer.os, "fsync", full)
    with pytest.raises(LocalDisk, match="No space left"):
        written_plan(tmp_path, plan_row(0))


def test_rejects_are_sealed_with_the_plan(tmp_path: Path) -> None:
    manifest = written_plan(tmp_path, plan_row(0)).manifest
    with PlanWriter(tmp_path / "more") as writer:
        (writer.directory / "rejects.csv").write_text("x")
        directory = writer.finish(manifest)

    assert set(read_manifest(directory).attachments) == {"participants.jsonl.gz", "rejects.csv"}
