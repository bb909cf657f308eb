import io
import os
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from readstate.errors import ExitCode
from tests.helpers.cli_shell import RunCommand
from tests.helpers.export_command import DAY, ROOT, SHARD


def staged(days_ago: int = 0) -> None:
    """Let everything that is staged have been written *days_ago*."""
    then = (datetime.now(UTC) - timedelta(days=days_ago)).timestamp()
    for path in ROOT.glob("_staging/**/*"):
        os.utime(path, (then, then))


def test_snapshots_tell_what_is_staged_and_how_to_publish_it(connected: RunCommand) -> None:
    connected(*SHARD, "1/2", *DAY)

    output = connected("snapshots", "root")
    document = connected("snapshots", "root", "--json").document

    assert "Run nightly is staged, not published: 1 of 2 shards finished" in output.stdout
    assert "readstate publish root --run nightly" in output.stdout
    (run,) = document["staged"]
    assert (run["run_id"], run["shards_finished"], run["shards"], run["abandoned"]) == ("nightly", 1, 2, False)
    assert document["snapshots"] == []


def test_what_was_staged_a_week_ago_is_abandoned_and_goes_when_snapshots_do(connected: RunCommand) -> None:
    connected(*SHARD, "1/2", *DAY)
    staged(days_ago=6)
    assert connected("snapshots", "root", "--keep", "1", "--yes", "--json").document["removed_staged"] == []
    staged(days_ago=8)

    listing = connected("snapshots", "root").stdout
    asked = connected("snapshots", "root", "--keep", "1")
    removed = connected("snapshots", "root", "--keep", "1", "--yes")

    assert "abandoned" in listing
    assert asked.code == ExitCode.CONSENT_MISSING
    assert removed.code == ExitCode.DONE
    assert "Removed the staged files of 1 abandoned run." in removed.stdout
    assert not any(ROOT.glob("_staging/nightly/*"))


def test_a_run_that_is_resumed_is_not_abandoned_any_more(
    connected: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected(*SHARD, "1/2", *DAY)
    staged(days_ago=8)

    class Slow(io.StringIO):
        def isatty(self) -> bool:
            return True

        def readline(self, *_: Any) -> Any:
            staged(days_ago=0)
            return "y\n"

    monkeypatch.setattr(sys, "stdin", Slow())
    output = connected("snapshots", "root", "--keep", "1")

    assert "Remove the staged files of 1 abandoned run for good?" in output.stderr
    assert output.code == ExitCode.DONE
    assert "nothing to remove" in output.stdout
    assert any(ROOT.glob("_staging/nightly/*"))
