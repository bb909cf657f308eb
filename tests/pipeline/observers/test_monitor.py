"""A run and those who show it."""

import asyncio
import io
import json
from pathlib import Path

import pytest

from readstate import events
from readstate.errors import LocalDisk
from readstate.observers.monitor import Watch, watching
from readstate.settings import Settings
from tests.helpers.fake_clock import FakeClock
from tests.helpers.pace import FakePace
from tests.pipeline.observers.test_progress_bar import Terminal

FAILED = events.UserFailed("US1", "status 500", "RQ123")


@pytest.fixture(autouse=True)
def able_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")


def read_users(watch: Watch, clock: FakeClock, count: int) -> None:
    for _ in range(count):
        watch.emit(events.RequestAnswered("GET", 200, 0.1, None))
        watch.emit(events.UserRead("US1", 5, 1))
        clock.advance(1.0)


class TestOnAPipe:
    async def test_there_are_lines_and_each_half_minute_the_figures(self) -> None:
        stream, clock = io.StringIO(), FakeClock()
        with watching(Settings(), command="export", clock=clock, stream=stream) as watch:
            watch.watch(FakePace(window=20, in_flight=7))
            watch.emit(events.RosterComplete(100))
            watch.emit(FAILED)
            read_users(watch, clock, 40)
            watch.look()

        assert stream.getvalue().splitlines() == [
            "2026-11-23 02:00:00Z 100 users in all",
            "2026-11-23 02:00:00Z error: user US1 failed: status 500, request RQ123",
            (
                "2026-11-23 02:00:40Z 41 of 100 users, 200 rows, 1 requests/s, 7 of 20 in flight, "
                "0 × 429, 1 failed, 58 s left"
            ),
        ]

    async def test_json_lines_where_asked_for(self) -> None:
        stream = io.StringIO()
        with watching(Settings(log_format="json"), command="export", clock=FakeClock(), stream=stream) as watch:
            watch.emit(FAILED)

        assert json.loads(stream.getvalue())["request_id"] == "RQ123"

    async def test_a_listener_who_left_does_not_end_the_run(self) -> None:
        class Gone(io.StringIO):
            def write(self, text: str) -> int:
                raise BrokenPipeError

        with watching(Settings(), command="export", clock=FakeClock(), stream=Gone()) as watch:
            watch.emit(FAILED)

        assert watch.tally.users_failed == 1

    async def test_the_story_goes_to_stderr(self, capsys: pytest.CaptureFixture[str]) -> None:
        with watching(Settings(), command="export", clock=FakeClock()) as watch:
            watch.emit(FAILED)

        captured = capsys.readouterr()
        assert (captured.out, captured.err.count("US1")) == ("", 1)


class TestOnATerminal:
    async def test_there_is_a_bar_with_lines_above_it(self) -> None:
        terminal, clock = Terminal(), FakeClock()
        with watching(Settings(), command="export", clock=clock, stream=terminal) as watch:
            watch.emit(events.RosterComplete(100))
            watch.emit(FAILED)
            read_users(watch, clock, 40)

        assert "error: user US1 failed: status 500, request RQ123" in terminal.text
        assert "41 of 100 users" in terminal.text
        assert "02:00:40" not in terminal.text

    async def test_one_that_cannot_draw_gets_the_figures_as_lines(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TERM", "dumb")
        terminal, clock = Terminal(), FakeClock()
        with watching(Settings(), command="export", clock=clock, stream=terminal) as watch:
            watch.emit(events.RosterComplete(100))
            read_users(watch, clock, 40)

        assert "02:00:40Z 40 of 100 users" in terminal.getvalue()

    async def test_json_is_asked_for_by_machines_and_gets_no_bar(self) -> None:
        terminal = Terminal()
        with watching(Settings(log_format="json"), command="export", clock=FakeClock(), stream=terminal) as watch:
            watch.emit(FAILED)

        assert json.loads(terminal.getvalue())["event"] == "user_failed"


class TestMetrics:
    async def test_a_run_that_reached_its_end_says_when(self, tmp_path: Path) -> None:
        path = tmp_path / "readstate.prom"
        settings = Settings(metrics_file=str(path))
        with watching(settings, command="export", clock=FakeClock(), stream=io.StringIO()) as watch:
            watch.emit(FAILED)
            watch.succeeded()

        text = path.read_text()
        assert 'readstate_users_total{command="export",result="failed"} 1.0' in text
        assert "readstate_last_success_timestamp_seconds" in text

    async def test_a_run_that_fails_writes_them_too_and_claims_no_success(self, tmp_path: Path) -> None:
        path = tmp_path / "readstate.prom"
        settings = Settings(metrics_file=str(path))
        with pytest.raises(RuntimeError):
            with watching(settings, command="export", clock=FakeClock(), stream=io.StringIO()) as watch:
                watch.emit(FAILED)
                raise RuntimeError

        assert 'result="failed"} 1.0' in path.read_text()
        assert "readstate_last_success_timestamp_seconds" not in path.read_text()

    async def test_a_place_that_cannot_be_written_stops_the_run_before_it_begins(self, tmp_path: Path) -> None:
        settings = Settings(metrics_file=str(tmp_path / "none" / "readstate.prom"))
        with pytest.raises(LocalDisk):
            with watching(settings, command="export", clock=FakeClock(), stream=io.StringIO()):
                raise AssertionError("the run began")

    async def test_without_a_file_success_is_nobodys_business(self) -> None:
        with watching(Settings(), command="export", clock=FakeClock(), stream=io.StringIO()) as watch:
            watch.succeeded()


class TestLooking:
    async def test_onlookers_look_by_themselves_until_the_block_ends(self) -> None:
        class Counting:
            looks = closed = 0

            def look(self, now: object) -> None:
                self.looks += 1

            def close(self) -> None:
                self.closed += 1

        counting = Counting()
        with watching(Settings(), command="export", clock=FakeClock(), stream=io.StringIO(), every=0.0) as watch:
            watch.show_to(counting)
            while counting.looks < 3:
                await asyncio.sleep(0)
        looks = counting.looks
        for _ in range(10):
            await asyncio.sleep(0)

        assert (counting.looks, counting.closed) == (looks, 1)
