"""A handful of what ``python -m tests.soak.fail_disks`` tries by the thousand."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.failing_disk import DiskFault, FailingDisk, compiler, failing_disk
from tests.soak.disk_place import places
from tests.soak.fail_disks import COMMANDS, try_point

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(compiler() is None, reason="the failing disk needs Linux and a C compiler"),
]
_BY_NAME = {command.name: command for command in COMMANDS}


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FailingDisk]:
    with failing_disk(tmp_path_factory.mktemp("disk")) as started:
        yield started


@pytest.mark.parametrize(
    ("name", "fault", "ending"),
    [
        ("export", ("write", "root/user_conversations/*/.*.parquet.unfinished", 1, "short"), "whole"),
        ("export", ("write", "work/exports/*/checkpoint.sqlite-wal", 60, "enospc"), "exit 20, resumed"),
        ("publish", ("rename", "root/_snapshots/*.json", 1, "kill"), "signal 9, resumed"),
        ("plan", ("write", "plans/.unfinished-*/rows.parquet", 2, "enospc"), "exit 20, resumed"),
        ("apply", ("write", "work/runs/*/journal.sqlite", 20, "torn"), "signal 9, resumed at the 2. try"),
    ],
)
def test_a_failing_disk_loses_nothing(
    name: str, fault: tuple[str, str, int, str], ending: str, disk: FailingDisk, tmp_path: Path
) -> None:
    operation, path, number, what = fault
    struck = DiskFault(operation, str(tmp_path / "disk" / path), number, what)
    with places(_BY_NAME[name], disk, tmp_path) as fresh:
        assert try_point(_BY_NAME[name], fresh(), struck) == (ending, None)
