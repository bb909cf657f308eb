"""A run and those who show it."""

import asyncio
import io
import json
from pathlib import Path

import pytest

from readstate import events
from readstate.errors import LocalDisk
from readstate.observers.monitor import Monitor, monitor_run
from readstate.settings import Settings
from tests.helpers.fake_clock import FakeClock
from tests.helpers.limiter_view import FakeLimiter
from tests.pipeline.observers.test_progress_bar import Terminal

FAILED = events.UserFailed("US1", "status 500", "RQ123")


@pytest.fixture(autouse=True)
def able_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")


def read_users(monitor: Monitor, clock: FakeClock, count: int) -> None:
    for _ in range(count):
        monitor.emit(events.RequestAnswered("GET", 200, 0.1, None))
        monitor.emit(events.UserRead("US1", 5, 1))
        clock.advance(1.0)


class TestOnAPipe:
    async def test_there_are_lines_and_each_half_minute_the_figures(self) -> None:
        stream, clock = io.StringIO(), FakeClock()
        with monitor_run(Settings(), command="export", clock=clock, stream=stream) as monitor:
            monitor.show_limiter(FakeLimiter(window=20, in_flight=7))
            monitor.emit(events.RosterComplete(100))
            monitor.emit(FAILED)
            read_users(monitor, clock, 40)
            monitor.update_displays()

        assert stream.getvalue().splitlines() == [
            "2026-11-23 02:00:00Z 100 users in all",
            "2026-11-23 02:00:00Z error: user US1 failed: status 500, request RQ123",
            (
                "2026-11-23 02:00:40Z 41 of 100 users, 200 rows, 1 requests/s, 7 of 20 in flight, "
                "0 × 429, 1 failed, 58 s left"
            ),
        ]

    async def test_a_listener_who_left_does_not_end_the_run(self) -> None:
        class Gone(io.StringIO):
            def write(self, text: str) -> int:
                raise BrokenPipeError

        with monitor_run(Settings(), command="export", clock=FakeClock(), stream=Gone()) as monitor:
            monitor.emit(FAILED)

        assert monitor.counters.users_failed == 1

    async def test_the_story_goes_to_stderr(self, capsys: pytest.CaptureFixture[str]) -> None:
        with monitor_run(Settings(), command="export", clock=FakeClock()) as monitor:
            monitor.emit(FAILED)

        captured = capsys.readouterr()
        assert (captured.out, captured.err.count("US1")) == ("", 1)


class TestOnATerminal:
    async def test_there_is_a_bar_with_lines_above_it(self) -> None:
        terminal, clock = Terminal(), FakeClock()
        with monitor_run(Settings(), command="export", clock=clock, stream=terminal) as monitor:
            monitor.emit(events.RosterComplete(100))
            monitor.emit(FAILED)
            read_users(monitor, clock, 40)

        assert "error: user US1 failed: status 500, request RQ123" in terminal.text
        assert "41 of 100 users" in terminal.text
        assert "02:00:40" not in terminal.text

    async def test_one_that_cannot_draw_gets_the_figures_as_lines(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TERM", "dumb")
        terminal, clock = Terminal(), FakeClock()
        with monitor_run(Settings(), command="export", clock=clock, stream=terminal) as monitor:
            monitor.emit(events.RosterComplete(100))
            read_users(monitor, clock, 40)

        assert "02:00:40Z 40 of 100 users" in terminal.getvalue()

    async def test_json_is_asked_for_by_machines_and_gets_no_bar(self) -> None:
        terminal = Terminal()
        with monitor_run(Settings(log_format="json"), command="export", clock=FakeClock(), stream=terminal) as monitor:
            monitor.emit(FAILED)

        assert json.loads(terminal.getvalue())["event"] == "user_failed"


class TestMetrics:
    async def test_a_run_that_reached_its_end_says_when(self, tmp_path: Path) -> None:
        path = tmp_path / "readstate.prom"
        settings = Settings(metrics_file=str(path))
        with monitor_run(settings, command="export", clock=FakeClock(), stream=io.StringIO()) as monitor:
            monitor.emit(FAILED)
            monitor.mark_success()

        text = path.read_text()
        assert 'readstate_users_total{command="export",result="failed"} 1.0' in text
        assert "readstate_last_success_timestamp_seconds" in text

    async def test_a_run_that_fails_writes_them_too_and_claims_no_success(self, tmp_path: Path) -> None:
        path = tmp_path / "readstate.prom"
        settings = Settings(metrics_file=str(path))
        with pytest.raises(RuntimeError):
            with monitor_run(settings, command="export", clock=FakeClock(), stream=io.StringIO()) as monitor:
                monitor.emit(FAILED)
                raise RuntimeError

        assert 'result="failed"} 1.0' in path.read_text()
        assert "readstate_last_success_timestamp_seconds" not in path.read_text()

    async def test_a_place_that_cannot_be_written_stops_the_run_before_it_begins(self, tmp_path: Path) -> None:
        settings = Settings(metrics_file=str(tmp_path / "none" / "readstate.prom"))
        with pytest.raises(LocalDisk):
            with monitor_run(settings, command="export", clock=FakeClock(), stream=io.StringIO()):
                raise AssertionError("the run began")

    async def test_without_a_file_success_is_not_recorded(self) -> None:
        with monitor_run(Settings(), command="export", clock=FakeClock(), stream=io.StringIO()) as monitor:
            monitor.mark_success()


class TestUpdates:
    async def test_displays_are_updated_until_the_block_ends(self) -> None:
        class Counting:
            updates = closed = 0

            def update(self, now: object) -> None:
                self.updates += 1

            def close(self) -> None:
                self.closed += 1

        counting = Counting()
        with monitor_run(
            Settings(), command="export", clock=FakeClock(), stream=io.StringIO(), update_seconds=0.0
        ) as monitor:
            monitor.add_display(counting)
            while counting.updates < 3:
                await asyncio.sleep(0)
        updates = counting.updates
        for _ in range(10):
            await asyncio.sleep(0)

        assert (counting.updates, counting.closed) == (updates, 1)
