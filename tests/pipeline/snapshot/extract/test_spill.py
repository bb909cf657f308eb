from pathlib import Path

import pytest

from readstate.errors import LocalDisk
from readstate.snapshot.extract.spill import Spill


async def test_files_of_unreferenced_pages_are_closed(tmp_path: Path) -> None:
    spill, before = Spill(tmp_path, file_bytes=10), _open_files()
    pages = [await spill.keep(b"x" * 10) for _ in range(20)]
    assert _open_files() >= before + 20

    del pages

    assert _open_files() <= before + 2


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_folder_that_is_missing_is_a_local_problem(tmp_path: Path) -> None:
    with pytest.raises(LocalDisk, match="nowhere"):
        await Spill(tmp_path / "nowhere").keep(b"x")
