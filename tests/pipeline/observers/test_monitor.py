import asyncio
import io
import json
from contextlib import suppress
from pathlib import Path

import pytest

from readstate import events
from readstate.concurrency import WorkerThread
from readstate.observers.monitor import Monitor, monitor_run
from readstate.settings.settings import Settings
from readstate.twilio.pacing.limiter import AdaptiveLimiter, LimiterSettings
from tests.helpers.event_loop import settle
from tests.helpers.fake_clock import FakeClock
from tests.pipeline.observers.test_progress_bar import Terminal

FAILED = events.UserFailed("US1", "status 500", "RQ123")


@pytest.fixture(autouse=True)
def able_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")


def read_users(monitor: Monitor, clock: FakeClock, count: int) -> None:
    for _ in range(count):
        monitor.emit(events.RequestAnswered("GET", 200, 0.1, {}))
        monitor.emit(events.UserRead("US1", 5, 1))
        clock.advance(1.0)


class TestOnAPipe:
    async def test_there_are_lines_and_each_half_minute_the_figures(self) -> None:
        stream, clock, limiter = io.StringIO(), FakeClock(), AdaptiveLimiter(LimiterSettings(initial_in_flight=20))
        for _ in range(7):
            limiter.sent(clock.monotonic(), None)
        with monitor_run(Settings(), command="export", clock=clock, stream=stream) as monitor:
            monitor.show_limiter(limiter)
            monitor.emit(events.RosterComplete(100))
            monitor.emit(FAILED)
            read_users(monitor, clock, 40)
            monitor.update_displays()

        assert stream.getvalue().splitlines() == [
            "2026-11-23 02:00:00Z 100 users to read",
            "2026-11-23 02:00:00Z warning: user US1 failed: status 500, request RQ123",
            (
                "2026-11-23 02:00:40Z 41 of 100 users, 1 failed, 200 rows, 1 requests/s, "
                "429s: 0, 7 of 20 in flight, 58 s left"
            ),
        ]

    async def test_a_run_that_does_not_move_says_after_a_minute_what_it_waits_for(self) -> None:
        stream, clock, limiter = io.StringIO(), FakeClock(), AdaptiveLimiter(LimiterSettings())
        with WorkerThread() as disk, monitor_run(Settings(), command="export", clock=clock, stream=stream) as monitor:
            monitor.show_limiter(limiter)
            limiter.sent(clock.monotonic(), None)
            for _ in range(60):
                clock.advance(1.0)
                await disk.run(monitor.update_displays)

        assert (
            "2026-11-23 02:01:00Z warning: nothing has moved for 1 min; waiting for: answers to 1 request;"
            " this machine, in Monitor.update_displays"
        ) in stream.getvalue().splitlines()

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

        assert "warning: user US1 failed: status 500, request RQ123" in terminal.text
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
    @pytest.mark.parametrize("succeeds", [True, False])
    async def test_they_are_written_at_the_end_and_only_a_run_that_says_so_succeeded(
        self, tmp_path: Path, succeeds: bool
    ) -> None:
        path = tmp_path / "readstate.prom"
        settings = Settings(metrics_file=str(path))
        with suppress(RuntimeError):
            with monitor_run(settings, command="export", clock=FakeClock(), stream=io.StringIO()) as monitor:
                monitor.emit(FAILED)
                if not succeeds:
                    raise RuntimeError
                monitor.mark_success()

        assert 'readstate_users_total{command="export",result="failed"} 1.0' in path.read_text()
        assert ("readstate_last_success_timestamp_seconds" in path.read_text()) == succeeds

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
        await settle()

        assert (counting.updates, counting.closed) == (updates, 1)
