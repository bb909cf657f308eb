from pathlib import Path

import pytest
from deltalake import DeltaTable

from readstate.errors import ExitCode
from readstate.snapshot.published import delta_tables as delta
from tests.helpers.cli_shell import RunCommand

EXPORT = ("export", "--out", "root", "--date")


def dates() -> set[str]:
    table = DeltaTable("root/user_conversations").to_pyarrow_dataset()
    return {str(day) for day in table.to_table(columns=["snapshot_date"])["snapshot_date"].to_pylist()}


@pytest.mark.process
def test_delta_tables_follow_what_is_published_again_and_pruned(connected: RunCommand) -> None:
    assert connected(*EXPORT, "2024-11-22", "--delta").code == ExitCode.DONE
    assert connected(*EXPORT, "2024-11-23").code == ExitCode.DONE
    assert dates() == {"2024-11-22", "2024-11-23"}

    assert connected(*EXPORT, "2024-11-23", "--again").code == ExitCode.DONE
    assert connected("snapshots", "root", "--keep", "1", "--yes").code == ExitCode.DONE

    rows = connected("sql", "root", "SELECT count(*) AS n FROM latest", "--json").document[0]["n"]
    assert DeltaTable("root/user_conversations").to_pyarrow_dataset().count_rows() == rows > 0
    assert dates() == {"2024-11-23"}


def test_they_can_be_begun_when_everything_is_published_already(connected: RunCommand) -> None:
    connected(*EXPORT, "2024-11-23")

    again = connected(*EXPORT, "2024-11-23", "--delta")

    assert "published already" in again.stdout
    assert dates() == {"2024-11-23"}


def test_a_missing_library_is_told_before_anything_is_read(
    connected: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delta, "find_spec", lambda _name: None)

    output = connected(*EXPORT, "2024-11-23", "--delta")

    assert output.code == ExitCode.BAD_INPUT
    assert "readstate[delta]" in output.stderr
    assert not Path("root").exists()
