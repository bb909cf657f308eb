"""Files that a person puts beside a run that is under way."""

from pathlib import Path

import pytest

from readstate.changes.apply.controls import Controls, Speed, parse_speed
from readstate.changes.runs.directory import RunDirectory
from readstate.errors import BadInput
from readstate.events import Event, Note


class Bench:
    """The controls of a run that does not exist, and what came of them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "control.toml"
        self.speeds: list[Speed] = []
        self.events: list[Event] = []
        self.controls = Controls(RunDirectory(folder), steer=self.speeds.append, emit=self.events.append)
        self._now = 0.0

    def write(self, text: str) -> None:
        """Put *text* into the file, and wait until it is looked at."""
        self.path.write_text(text, encoding="utf-8")
        self.look()

    def look(self) -> None:
        self._now += 2.0
        self.controls.follow(self._now)

    def told(self) -> str:
        return " ".join(event.text for event in self.events if isinstance(event, Note))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_speed_is_followed_once_and_told(bench: Bench) -> None:
    bench.look()
    bench.write("writes_per_second = 5\nmax_in_flight = 3")
    bench.look()

    assert bench.speeds == [Speed(writes_per_second=5, max_in_flight=3)]
    assert "from now on writes_per_second 5, max_in_flight 3" in bench.told()
    assert len(bench.events) == 1


def test_without_the_file_the_run_goes_as_it_was_begun(bench: Bench) -> None:
    bench.write("writes_per_second = 5")
    bench.path.unlink()
    bench.look()

    assert bench.speeds == [Speed(writes_per_second=5), Speed()]
    assert "from now on as it was begun" in bench.told()


def test_the_file_is_looked_at_every_two_seconds_only(bench: Bench) -> None:
    bench.controls.follow(10.0)
    bench.path.write_text("writes_per_second = 5", encoding="utf-8")

    bench.controls.follow(11.9)
    assert bench.speeds == []

    bench.controls.follow(12.0)
    assert bench.speeds == [Speed(writes_per_second=5)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("writes_per_second = ", "not TOML"),
        ("write_per_second = 5", "writes_per_second was meant"),
        ("colour = 5", "nobody knows 'colour'"),
        ("writes_per_second = 0", "above 0"),
        ("writes_per_second = -1", "above 0"),
        ("writes_per_second = nan", "above 0"),
        ("writes_per_second = inf", "above 0"),
        ("writes_per_second = true", "above 0"),
        ("writes_per_second = '5'", "above 0"),
        ("max_in_flight = 0", "whole number"),
        ("max_in_flight = 2.5", "whole number"),
        ("max_in_flight = [1]", "whole number"),
    ],
)
def test_wrong_contents_are_told_once_and_the_speed_stays(bench: Bench, text: str, why: str) -> None:
    bench.write("writes_per_second = 7")
    bench.write(text)
    bench.look()

    assert bench.speeds == [Speed(writes_per_second=7)]
    assert len(bench.events) == 2
    assert why in bench.told()
    assert "The speed stays writes_per_second 7" in bench.told()
    with pytest.raises(BadInput):
        parse_speed(text)


def test_bytes_that_are_no_text_are_told_and_ignored(bench: Bench) -> None:
    bench.path.write_bytes(b"\xff\xfe")
    bench.look()

    assert bench.speeds == []
    assert "is ignored" in bench.told()


def test_what_was_mended_is_followed(bench: Bench) -> None:
    bench.write("writes_per_second = nonsense")
    bench.write("writes_per_second = 2")

    assert bench.speeds == [Speed(writes_per_second=2)]


def test_pause_and_stop_say_which_file_is_there(bench: Bench) -> None:
    assert (bench.controls.pause(), bench.controls.stop()) == (None, None)

    (bench.path.parent / "PAUSE").touch()
    (bench.path.parent / "STOP").touch()

    assert "PAUSE is there" in (bench.controls.pause() or "")
    assert "STOP is there" in (bench.controls.stop() or "")
