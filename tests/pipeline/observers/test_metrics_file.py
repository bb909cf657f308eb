"""The metrics file, read back by Prometheus' own parser."""

import os
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from readstate import events
from readstate.errors import LocalDisk
from readstate.observers.metrics_file import MetricsFile
from readstate.observers.run_counters import RunCounters
from tests.helpers.fake_clock import FakeClock
from tests.helpers.progress import half_way

LAST_SUCCESS = "readstate_last_success_timestamp_seconds"


class Run:
    """A metrics file in a directory, with the counters that it shows."""

    def __init__(self, path: Path, *, command: str = "export") -> None:
        self.path = path
        self.counters = RunCounters()
        self.clock = FakeClock()
        self.emitted: list[object] = []
        self.file = MetricsFile(
            path, command=command, counters=self.counters, clock=self.clock, emit=self.emitted.append
        )

    @property
    def samples(self) -> dict[tuple[str, ...], float]:
        families = text_string_to_metric_families(self.path.read_text())
        return {
            (sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples
        }


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "readstate.prom")


def test_it_shows_what_was_counted(run: Run) -> None:
    for event in (
        *[events.RequestAnswered("GET", 200, 0.1, {})] * 5,
        events.RequestAnswered("GET", 429, 0.1, {}),
        events.RequestLost("GET", "/", "reset", True),
        events.Retried("GET", "/", "429", 0, 0.3, None),
        events.RetriesExhausted("GET", "/", "500", 6, None),
        events.PageReread("/"),
        events.UserRead("US1", 7, 1),
        events.UserVanished("US2", None),
        events.UserFailed("US3", "500", None),
        events.PartWritten(1, 7, 999),
        events.RosterComplete(3),
        events.DuplicatesDropped(2),
        events.ConversationsCounted(4),
        events.UserUnknown("nobody", 2),
    ):
        run.counters.observe(event)
    run.file.start()
    run.file.update(half_way())
    run.file.close()

    assert run.samples == {
        ("readstate_rows_total", "export"): 7,
        ("readstate_duplicates_total", "export"): 2,
        ("readstate_users_total", "export", "read"): 1,
        ("readstate_users_total", "export", "vanished"): 1,
        ("readstate_users_total", "export", "unknown"): 1,
        ("readstate_users_total", "export", "failed"): 1,
        ("readstate_requests_total", "export", "200"): 5,
        ("readstate_requests_total", "export", "429"): 1,
        ("readstate_requests_total", "export", "none"): 1,
        ("readstate_retries_total", "export"): 1,
        ("readstate_retries_exhausted_total", "export"): 1,
        ("readstate_pages_reread_total", "export"): 1,
        ("readstate_part_bytes_total", "export"): 999,
        ("readstate_conversations", "export"): 4,
        ("readstate_users_listed", "export"): 3,
        ("readstate_start_timestamp_seconds", "export"): run.clock.now().timestamp(),
        ("readstate_run_seconds", "export"): 60,
        ("readstate_requests_in_flight", "export"): 87,
        ("readstate_window", "export"): 96,
    }


def test_it_is_written_at_the_start_each_fifteen_seconds_and_at_the_end(run: Run) -> None:
    run.file.start()
    written = []
    for second in range(40):
        run.counters.observe(events.UserRead("US1", 1, 1))
        before = run.path.read_text()
        run.file.update(half_way(elapsed_seconds=float(second)))
        if run.path.read_text() != before:
            written.append(second)
    assert written == [15, 30]

    run.file.close()
    assert run.samples["readstate_rows_total", "export"] == 40


def test_the_time_of_success_is_told_and_outlives_runs_that_fail(tmp_path: Path) -> None:
    good = Run(tmp_path / "readstate.prom")
    good.file.start()
    assert (LAST_SUCCESS, "export") not in good.samples
    good.clock.advance(100)
    good.file.mark_success()
    good.file.close()
    succeeded_at = good.clock.now().timestamp()
    assert good.samples[LAST_SUCCESS, "export"] == succeeded_at

    bad = Run(tmp_path / "readstate.prom")
    bad.file.start()
    bad.file.close()

    assert bad.samples[LAST_SUCCESS, "export"] == succeeded_at


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"readstate_last_success_timestamp_seconds never\n"])
def test_a_file_that_is_not_ours_is_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "readstate.prom"
    path.write_bytes(content)
    run = Run(path)
    run.file.start()

    assert (LAST_SUCCESS, "export") not in run.samples


def test_a_place_that_cannot_be_written_is_told_before_the_run_begins(tmp_path: Path) -> None:
    with pytest.raises(LocalDisk, match=r"no[-]dir.*\n.*--metrics-file"):
        Run(tmp_path / "no-dir" / "readstate.prom").file.start()


def test_trouble_later_is_told_once_and_does_not_end_the_run(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    run = Run(folder / "readstate.prom")
    run.file.start()
    run.path.unlink()
    folder.rmdir()
    for second in (20, 40, 60):
        run.file.update(half_way(elapsed_seconds=float(second)))
    assert [type(event) for event in run.emitted] == [events.Message]

    folder.mkdir()
    run.file.update(half_way(elapsed_seconds=80.0))
    assert run.path.exists()


def test_the_files_of_two_commands_can_be_collected_together(tmp_path: Path) -> None:
    runs = [Run(tmp_path / f"{command}.prom", command=command) for command in ("export", "apply")]
    for run in runs:
        run.file.start()

    assert not set(runs[0].samples) & set(runs[1].samples)


def test_a_device_is_written_to_and_never_replaced(tmp_path: Path) -> None:
    link = tmp_path / "readstate.prom"
    link.symlink_to("/dev/null")
    run = Run(link)
    run.file.start()
    run.file.close()

    assert link.readlink() == Path("/dev/null")
    assert Path("/dev/null").is_char_device()


def test_a_link_stays_and_the_file_behind_it_is_replaced(tmp_path: Path) -> None:
    link = tmp_path / "readstate.prom"
    link.symlink_to("collected.prom")
    run = Run(link)
    run.file.start()

    assert link.is_symlink()
    assert run.samples["readstate_rows_total", "export"] == 0


def test_a_pipe_gets_all_metrics_and_a_slow_reader_stops_no_run(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    run = Run(pipe)
    run.file.start()
    first = os.read(reader, 1 << 16)
    for _ in range(100):
        run.file.close()
    os.close(reader)

    assert b"readstate_rows_total" in first
    assert [str(event.text) for event in run.emitted] == [  # type: ignore[attr-defined]
        f"the metrics file {pipe} cannot be written: nothing reads from it"
    ]
