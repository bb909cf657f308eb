"""A part holds whole users, sorted, and is on disk when it exists."""

from pathlib import Path

import pyarrow as pa
import pytest

from readstate.errors import Damaged, LocalDisk
from readstate.snapshot.parts.derived_columns import PART_ROWS
from readstate.snapshot.parts.part import CollectedRows, Part, PartReader, Range, seal_part
from tests.helpers.rows import keys_of, table_of
from tests.helpers.user_conversation_pages import sid

LAST = Range("IT", "")


def rows_in(part: Part | None) -> pa.Table:
    assert part is not None
    return pa.Table.from_batches(PartReader(part.path).read_through(LAST), schema=PART_ROWS)


def collected(*tables: list[tuple[str, str, str]]) -> CollectedRows:
    rows = CollectedRows()
    for number, table in enumerate(tables, start=1):
        rows.add(table_of(table), number)
    return rows


def test_nothing_collected_is_no_part(tmp_path: Path) -> None:
    assert seal_part(collected([]), tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_rows_are_sorted_by_service_then_user_then_conversation(tmp_path: Path) -> None:
    part = seal_part(
        collected(
            [("IS2", "US1", "CH1"), ("IS1", "US2", "CH9"), ("IS1", "US2", "CH3")],
            [("IS1", "US1", "CH5"), ("IS1", "USé", "CH1"), ("IS1", "US𐍈", "CH1")],
        ),
        tmp_path,
    )

    expected = ["IS1 US1 CH5", "IS1 US2 CH3", "IS1 US2 CH9", "IS1 USé CH1", "IS1 US𐍈 CH1", "IS2 US1 CH1"]
    assert [" ".join(key) for key in keys_of(rows_in(part))] == expected
    assert part is not None
    assert (part.rows, part.users, part.bytes) == (6, 5, part.path.stat().st_size)


def test_rows_with_one_key_stay_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    part = seal_part(collected([("IS1", "US1", "CH1")] * 3 + [("IS1", "US1", "CH0")]), tmp_path)

    assert rows_in(part)["last_read_message_index"].to_pylist() == [3, 0, 1, 2]


def test_collected_rows_are_counted_and_weighed() -> None:
    assert (collected().count, collected().bytes) == (0, 0)
    rows = collected([("IS1", "US1", "CH1")], [("IS1", "US1", "CH2")] * 2)

    assert (rows.count, rows.bytes) == (3, 1 + 2)


def test_later_start_writes_beside_the_parts_of_an_earlier_one(tmp_path: Path) -> None:
    for user in ("US1", "US2", "US3"):
        seal_part(collected([("IS1", user, "CH1")]), tmp_path)

    found = [PartReader(path).ranges for path in sorted(tmp_path.iterdir())]
    assert [[one.range.user_sid_prefix for one in ranges] for ranges in found] == [["US1"], ["US2"], ["US3"]]


def test_rows_that_could_not_be_written_can_be_written_later(tmp_path: Path) -> None:
    """Otherwise users would be called done whose rows are nowhere."""
    folder = tmp_path / "parts"
    rows = collected([("IS1", "US2", "CH1"), ("IS1", "US1", "CH1")])
    with pytest.raises(LocalDisk):
        seal_part(rows, folder)
    folder.mkdir()

    assert [user for _, user, _ in keys_of(rows_in(seal_part(rows, folder)))] == ["US1", "US2"]


def test_part_that_is_not_there_is_a_local_problem(tmp_path: Path) -> None:
    with pytest.raises(LocalDisk, match="part-1"):
        PartReader(tmp_path / "part-1.arrow")


def test_ranges_are_users_of_one_service_whose_sids_begin_alike(tmp_path: Path) -> None:
    users = [sid("US", number << 118) for number in range(0, 1024, 2)]
    part = seal_part(collected([(service, user, "CH1") for user in users for service in ("IS1", "IS2")]), tmp_path)

    assert part is not None
    reader = PartReader(part.path)
    assert len(reader.ranges) == 2 * 256
    assert {one.rows for one in reader.ranges} == {2}
    assert sum(one.bytes for one in reader.ranges) == part.rows * (1_000 + len("{}"))


def test_a_part_is_read_range_by_range_whatever_its_batches_hold(tmp_path: Path) -> None:
    keys = [("IS1", sid("US", number << 108), f"CH{number % 3}") for number in range(0, 1 << 20, 1 << 10)]
    part = seal_part(collected(keys), tmp_path)
    assert part is not None
    reader = PartReader(part.path)

    read = [list(reader.read_through(one.range)) for one in reader.ranges[::7]] + [list(reader.read_through(LAST))]

    assert keys_of(pa.Table.from_batches([batch for batches in read for batch in batches], PART_ROWS)) == sorted(keys)
    assert all(batches for batches in read)


def test_a_part_that_is_not_as_it_was_written_is_refused_before_pyarrow_reads_it(tmp_path: Path) -> None:
    part = seal_part(collected([("IS1", "US1", "CH1"), ("IS1", "US2", "CH1")]), tmp_path)
    assert part is not None
    whole = part.path.read_bytes()
    flipped = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(0, len(whole), 5)]
    cut = [whole[:size] for size in range(0, len(whole), 50)]

    for content in (*flipped, *cut):
        part.path.write_bytes(content)
        with pytest.raises(Damaged, match="--restart"):
            rows_in(part)
