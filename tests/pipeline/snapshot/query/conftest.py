from pathlib import Path

import pytest

from tests.helpers.snapshots import DAY, publish, row


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One row."""
    root = tmp_path_factory.mktemp("query") / "root"
    publish(root, DAY, [row(1, 1)])
    return root
