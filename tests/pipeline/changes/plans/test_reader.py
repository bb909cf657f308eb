import errno
import gzip
import json
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from readstate.changes.plans.reader import (
    Plan,
    find_plan,
    open_plan,
    read_header,
    read_manifest,
    require_not_expired,
    require_same_target,
)
from readstate.changes.plans.writer import digest_of
from readstate.disk.files import sha256_of
from readstate.errors import BadInput, LocalDisk, PlanUnusable
from tests.helpers.plans import NOW, TARGET, plan_row, removal_row, skipped_row, written_plan


def test_a_plan_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    rows = [plan_row(0), removal_row(1), skipped_row(2, "blocked", "REWIND")]

    plan = open_plan(written_plan(tmp_path, *rows).directory)

    assert list(plan.rows()) == rows
    assert plan.directory.name == plan.manifest.plan_id
    assert plan.manifest.plan_id == f"p-{plan.manifest.plan_sha256[:12]}"
    assert plan.manifest.counts["blocked"] == 1
    assert plan.manifest.reasons == {"REWIND": 1}
    assert plan.manifest.expires_at - plan.manifest.created_at == timedelta(hours=4)
    assert [taken["plan_row_id"] for taken in plan.participants()] == [1]


def _edit_rows(directory: Path, **changes: Any) -> None:
    table = pq.read_table(directory / "rows.parquet")
    rows = [row | changes for row in table.to_pylist()]
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), directory / "rows.parquet")


def _edit_manifest(directory: Path, **changes: Any) -> None:
    path = directory / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def _forge_manifest(directory: Path, **changes: Any) -> None:
    """Edit the manifest and seal it again, as a person who knows how could do."""
    document = json.loads((directory / "manifest.json").read_text()) | changes
    seal = digest_of(document)
    _edit_manifest(directory, **changes, plan_sha256=seal, plan_id=f"p-{seal[:12]}")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda d: _edit_rows(d, set_index=9), "does not hold the rows"),
        (lambda d: os.truncate(d / "rows.parquet", 100), "does not hold the rows"),
        (lambda d: (d / "rows.parquet").unlink(), "rows.parquet"),
        (lambda d: _edit_manifest(d, account_sid="AC" + "9" * 32), "was changed"),
        (lambda d: (d / "manifest.json").write_text("{}"), "was changed"),
        (lambda d: (d / "manifest.json").write_text("no JSON"), "manifest.json"),
        (lambda d: _forge_manifest(d, rows="many"), "manifest.json: Expected `int`"),
        (lambda d: _edit_manifest(d, schema_version=99), "newer readstate"),
    ],
)
def test_a_plan_that_was_touched_is_refused(damage: Any, message: str, tmp_path: Path) -> None:
    directory = written_plan(tmp_path, plan_row(0), plan_row(1)).directory
    damage(directory)

    with pytest.raises(PlanUnusable, match=message):
        open_plan(directory)


def test_a_plan_of_the_version_before_is_refused_in_words_and_can_still_be_erased(tmp_path: Path) -> None:
    directory = written_plan(tmp_path, plan_row(0)).directory
    document = json.loads((directory / "manifest.json").read_text())
    del document["rows_sha256"]
    document |= {"schema_version": 1, "rows_root_sha256": "0" * 64, "chunk_sha256": ["0" * 64]}
    seal = digest_of(document)
    (directory / "manifest.json").write_text(json.dumps(document | {"plan_sha256": seal, "plan_id": f"p-{seal[:12]}"}))

    with pytest.raises(PlanUnusable, match=r"made by an older readstate \(schema 1, this one needs 2\)") as refused:
        open_plan(directory)

    assert (refused.value.hint or "").startswith("Plan the file again.")
    assert read_header(directory).target == TARGET


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(gzip.compress(b'{"plan_row_id":7}\n')),
        lambda path: path.write_bytes(b"no gzip"),
        lambda path: os.truncate(path, path.stat().st_size - 9),
        _flip,
        Path.unlink,
    ],
)
def test_what_removals_take_away_is_sealed_too(damage: Callable[[Path], Any], tmp_path: Path) -> None:
    plan = written_plan(tmp_path, removal_row(0))
    damage(plan.directory / "participants.jsonl.gz")

    for read in (lambda: open_plan(plan.directory), lambda: list(plan.participants())):
        with pytest.raises(PlanUnusable, match="participants"):
            read()


@pytest.mark.parametrize(
    ("place", "name", "file"),
    [(Path, "read_bytes", "manifest.json"), (pa, "OSFile", "rows.parquet"), (gzip, "open", "participants.jsonl.gz")],
)
def test_a_plan_that_the_disk_does_not_give_out_is_not_called_damaged(
    place: Any, name: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = written_plan(tmp_path, plan_row(0), rejects=b"line,code\n7,E-USER\n").directory

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(place, name, refuse)

    with pytest.raises(LocalDisk, match=f"{file}: Input/output error") as refused:
        open_plan(directory)
    assert "run the same command again" in (refused.value.hint or "")


def test_rejected_lines_are_sealed_too(tmp_path: Path) -> None:
    plan = written_plan(tmp_path, plan_row(0), rejects=b"line,code\n7,E-USER\n")
    open_plan(plan.directory)
    (plan.directory / "rejects.csv").write_bytes(b"line,code\n")

    with pytest.raises(PlanUnusable, match=r"rejects\.csv is not the one"):
        open_plan(plan.directory)


def test_rows_that_were_replaced_after_the_plan_was_opened_are_not_read(tmp_path: Path) -> None:
    plan = open_plan(written_plan(tmp_path, plan_row(0)).directory)
    other = written_plan(tmp_path / "other", removal_row(7))
    (other.directory / "rows.parquet").replace(plan.directory / "rows.parquet")

    with pytest.raises(PlanUnusable, match="does not hold the rows"):
        next(plan.batches())


def test_rows_that_are_written_to_while_they_are_read_are_noticed_at_the_end(tmp_path: Path) -> None:
    plan = open_plan(written_plan(tmp_path, *map(plan_row, range(10))).directory)
    batches = plan.batches()
    next(batches)
    with (plan.directory / "rows.parquet").open("r+b") as file:
        file.write(b"XXXX")

    with pytest.raises(PlanUnusable, match="does not hold the rows"):
        next(batches)


def test_a_plan_is_bound_to_its_target(tmp_path: Path) -> None:
    manifest = written_plan(tmp_path, plan_row(0)).manifest

    require_same_target(manifest, TARGET)
    for name in ("account_sid", "service_sid", "base_url"):
        with pytest.raises(PlanUnusable, match=name):
            require_same_target(manifest, replace(TARGET, **{name: "other"}))


def test_a_plan_ages_by_the_clock_of_the_server(tmp_path: Path) -> None:
    manifest = written_plan(tmp_path, plan_row(0)).manifest

    require_not_expired(manifest, NOW + timedelta(hours=23, minutes=59))
    with pytest.raises(PlanUnusable, match="expired at 2026-11-24 14:00 UTC"):
        require_not_expired(manifest, NOW + timedelta(hours=24))


def test_a_plan_is_named_by_its_directory_or_its_id(tmp_path: Path) -> None:
    plan = written_plan(tmp_path, plan_row(0))

    assert find_plan(str(plan.directory), Path("elsewhere")) == plan.directory
    assert find_plan(plan.manifest.plan_id, tmp_path) == plan.directory
    with pytest.raises(BadInput, match="there is no plan"):
        find_plan("p-000000000000", tmp_path)


def test_last_is_the_plan_that_was_made_last_whatever_its_id(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no plan last"):
        find_plan("last", tmp_path)
    plans = [
        written_plan(tmp_path, plan_row(number), now=NOW + timedelta(minutes=minutes))
        for number, minutes in enumerate((1, 3, 2))
    ]

    assert find_plan("last", tmp_path) == plans[1].directory
    (plans[0].directory / "manifest.json").write_text("{}")
    with pytest.raises(PlanUnusable):
        find_plan("last", tmp_path)


def test_a_changes_file_in_place_of_a_plan_is_answered_with_the_command_to_type(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as refused:
        find_plan("changes.csv", tmp_path)

    assert f"readstate plan changes.csv -o {tmp_path}" in str(refused.value)
    with pytest.raises(BadInput, match="no plan is here"):
        read_manifest(tmp_path)


def test_reading_a_plan_holds_some_of_its_rows_and_never_all(tmp_path: Path) -> None:
    plan = written_plan(tmp_path, *(plan_row(number, note=os.urandom(2_000).hex()) for number in range(500)))
    path = plan.directory / "rows.parquet"
    table = pq.read_table(path)
    pq.write_table(pa.concat_tables([table] * 20), path, row_group_size=500, use_dictionary=False)
    del table
    plan = Plan(plan.directory, replace(plan.manifest, rows_sha256=sha256_of(path)))
    before, held = pa.total_allocated_bytes(), list[int]()

    for batch in plan.batches():
        held.append(pa.total_allocated_bytes() - before)
        del batch

    assert len(held) == 20
    assert max(held) < path.stat().st_size / 4
