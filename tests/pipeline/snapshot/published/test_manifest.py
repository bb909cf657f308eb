from datetime import date

import pytest

from readstate.errors import BadInput
from readstate.model.quantities import Allowance
from readstate.snapshot.export.options import FEW_MISSING
from readstate.snapshot.published.manifest import SnapshotFile, UserCounts, decode_manifest, encode_manifest
from tests.helpers.snapshots import DAY, manifest


def test_a_manifest_is_read_back_as_it_was_written() -> None:
    assert decode_manifest(encode_manifest(manifest()), day=DAY, where="here") == manifest()


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]", b'{"schema_version": "x"}', b"[" * 20_000, b"\xff"])
def test_a_damaged_manifest_is_named(text: bytes) -> None:
    with pytest.raises(BadInput, match="here: not a snapshot's manifest"):
        decode_manifest(text, day=DAY, where="here")


def test_a_manifest_of_a_newer_readstate_asks_for_an_upgrade() -> None:
    text = encode_manifest(manifest()).replace(b'"manifest_version": 1', b'"manifest_version": 99')

    with pytest.raises(BadInput, match="Upgrade readstate"):
        decode_manifest(text, day=DAY, where="here")


@pytest.mark.parametrize(
    "path",
    [
        "/home/me/precious.parquet",
        "users/snapshot_date=2026-11-23/../../../precious",
        "users/snapshot_date=2026-11-22/r-1.parquet",
        "failures/snapshot_date=2026-11-23/r-1.parquet",
        "users/snapshot_date=2026-11-23/sub/r-1.parquet",
        "users/snapshot_date=2026-11-23/..",
        "users/snapshot_date=2026-11-23/",
        "users/snapshot_date=2026-11-23/a\nb",
        "./users/snapshot_date=2026-11-23/r-1.parquet",
        "_snapshots/2026-11-22.json",
        "",
    ],
)
def test_a_manifest_that_names_a_file_of_no_partition_of_its_own_is_not_believed(path: str) -> None:
    text = encode_manifest(manifest(SnapshotFile(path, "users", 1, 1, "")))

    with pytest.raises(BadInput, match=r"here: names .* none of its files is read or removed"):
        decode_manifest(text, day=DAY, where="here")


def test_a_manifest_of_another_date_is_not_believed() -> None:
    with pytest.raises(BadInput, match="here: its date is 2026-11-23"):
        decode_manifest(encode_manifest(manifest()), day=date(2026, 11, 24), where="here")


@pytest.mark.parametrize(
    ("written", "planted"),
    [(b'00:00Z"', b'00:00"'), (b'"rows": ', b'"rows": 9999999999999999999'), (b'"starts": ', b'"starts": -')],
)
def test_a_time_without_a_zone_and_an_impossible_count_are_damage(written: bytes, planted: bytes) -> None:
    text = encode_manifest(manifest())
    assert written in text

    with pytest.raises(BadInput, match="here: not a snapshot's manifest"):
        decode_manifest(text.replace(written, planted), day=DAY, where="here")


@pytest.mark.parametrize(
    ("listed", "unknown", "failed", "allowed", "complete"),
    [
        (50, 0, 0, FEW_MISSING, True),
        (50, 1, 0, FEW_MISSING, True),
        (50, 2, 0, FEW_MISSING, False),
        (300, 3, 0, FEW_MISSING, True),
        (300, 4, 0, FEW_MISSING, False),
        (50, 0, 1, FEW_MISSING, False),
        (50, 1, 0, Allowance(), False),
        (1, 1, 0, FEW_MISSING, False),
        (2, 2, 0, Allowance(count=2), False),
        (2, 2, 0, Allowance(share=1.0), True),
        (0, 0, 0, FEW_MISSING, True),
    ],
)
def test_a_snapshot_is_complete_with_few_unknown_users_and_not_with_them_alone(
    listed: int, unknown: int, failed: int, allowed: Allowance, complete: bool
) -> None:
    users = UserCounts(listed, read=listed - unknown - failed, vanished=0, failed=failed, unknown=unknown)

    assert users.are_complete(allowed) is complete
