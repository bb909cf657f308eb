import asyncio
from pathlib import Path

import pytest

from readstate.changes.apply.admission import Admission
from readstate.changes.apply.circuit_breaker import WriteBreaker
from readstate.changes.apply.latency import LatencyMeter
from readstate.changes.apply.options import ApplyDependencies, ApplyOptions
from readstate.changes.runs.directory import RunDirectory
from readstate.errors import ExitCode, NotPermitted, Unanswered
from readstate.events import Event, Message, RequestAnswered
from readstate.stop import StopReason, StopSwitch
from tests.helpers.fake_clock import FakeClock


class Bench:
    """An admission, its clock, and the events; the bench itself answers its probes."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.stop = StopSwitch()
        self.meter = LatencyMeter(self.clock)
        self.breaker = WriteBreaker()
        self.events: list[Event] = []
        self.probes: list[BaseException | None] = []
        self.run = RunDirectory(folder)
        context = ApplyDependencies(
            writer=self, rate=lambda: 30.0, confirm=None, meter=self.meter, clock=self.clock, stop=self.stop,
            emit=self.events.append,
        )  # type: ignore[arg-type]  # fmt: skip
        self.admission = Admission(
            self.run, options=ApplyOptions(max_throttled_seconds=60.0), context=context, breaker=self.breaker,
            emit=self.events.append,
        )  # fmt: skip

    async def configuration(self) -> None:
        if self.probes and (error := self.probes.pop(0)) is not None:
            raise error

    def answer(self, method: str = "GET", status: int = 200, seconds: float = 0.1) -> None:
        self.meter.observe(RequestAnswered(method, status, seconds, {}))

    def break_writes(self) -> None:
        for _ in range(5):
            self.breaker.record(self.clock.monotonic(), is_ambiguous=True)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_there_is_room_for_some_rows_and_each_that_leaves_makes_room_for_one(bench: Bench) -> None:
    slots = [await bench.admission.acquire() for _ in range(4)]
    waiting = asyncio.create_task(bench.admission.acquire())
    await asyncio.sleep(0)
    assert not waiting.done()

    for _ in range(2):  # the second time it means nothing
        slots[0].release()  # type: ignore[union-attr]
    assert await waiting

    bench.stop.request_stop(StopReason("enough", ExitCode.TERMINATED))
    assert not await bench.admission.acquire()


async def test_slow_answers_make_room_for_more_rows(bench: Bench) -> None:
    bench.answer("GET", seconds=0.5)
    bench.answer("POST", seconds=0.5)

    for _ in range(30):
        assert await bench.admission.acquire()


async def test_refusals_without_end_stop_the_run(bench: Bench) -> None:
    bench.answer(status=429)
    bench.clock.advance(61)

    assert not await bench.admission.acquire()
    assert "429" in bench.stop.reason().text  # type: ignore[union-attr]


async def test_one_other_answer_ends_the_count_of_refusals(bench: Bench) -> None:
    bench.answer(status=429)
    bench.clock.advance(61)
    bench.answer("POST", status=404)
    bench.meter.observe(Message("not a request"))

    assert await bench.admission.acquire()


async def test_an_open_breaker_waits_for_a_reading_that_succeeds(bench: Bench) -> None:
    bench.break_writes()
    bench.probes = [Unanswered("reset"), Unanswered("reset"), None]

    assert await bench.admission.acquire()

    assert bench.clock.slept == [0.5, 1.0, 2.0]
    assert not bench.breaker.is_open


async def test_an_open_breaker_gives_up_in_the_end(bench: Bench) -> None:
    bench.break_writes()
    bench.probes = [Unanswered("reset")] * 500

    assert not await bench.admission.acquire()
    assert "no clear answer" in bench.stop.reason().text  # type: ignore[union-attr]


async def test_a_probe_that_is_refused_ends_the_run(bench: Bench) -> None:
    bench.break_writes()
    bench.probes = [NotPermitted("401")]

    with pytest.raises(NotPermitted):
        await bench.admission.acquire()


async def test_a_disk_that_fills_up_stops_the_run(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunDirectory, "free_bytes", lambda _: 100_000_000)

    assert not await bench.admission.acquire()
    assert bench.stop.reason().exit_code == ExitCode.LOCAL_DISK  # type: ignore[union-attr]
