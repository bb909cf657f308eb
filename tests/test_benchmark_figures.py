"""The benchmark judges its goals as they are meant, and its pages say what its results say."""

from collections.abc import Callable
from functools import partial

import pytest

from tests.benchmarks import exports, results
from tests.benchmarks.__main__ import main
from tests.benchmarks.figures import Goal, Spread, in_turns
from tests.benchmarks.measured import Measured


@pytest.mark.parametrize("name", ["README.md", "RESULTS.md"])
def test_no_hand_has_changed_a_figure(name: str) -> None:
    assert (results.HERE / name).read_text() == results.pages(results.load())[name], "python -m tests.benchmarks draw"


@pytest.mark.process
def test_a_part_of_the_quick_benchmark_prints_and_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    before = results.DATA.read_bytes()

    main(["quick", "growth"])

    assert "peak memory, 20 043 rows" in capsys.readouterr().out
    assert results.DATA.read_bytes() == before


def test_a_section_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SystemExit, match="no section exports; there are full, five, tls"):
        main(["exports"])


def test_exports_are_judged_beside_the_tools_that_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def runs(wall: float, cpu: float) -> list[exports.Run]:
        return [exports.Run(Measured(wall, cpu, 100, ""), simulator_cpu=0)]

    compared = exports.Compared(
        exports.World({"users": 1, "rows": 10, "requests": 2, "json_bytes": 100}, []),
        {exports.READSTATE: runs(1, 2), exports.OFFICIAL: runs(5, 9), exports.SCRIPT: runs(2, 4)},
        empty_cpu={exports.READSTATE: 1.5, exports.OFFICIAL: 1, exports.SCRIPT: 2},
    )
    monkeypatch.setattr(exports, "compare", lambda *_, **__: compared)

    section = exports.full_pages(1, 1)

    assert "Not run: dlt, REST source, official client, 10 threads." in section.text
    assert [(goal.figure.values, goal.verdict) for goal in section.goals] == [
        ((2,), "reached"), ((5,), "reached"), ((0.25,), "aim reached"), ((0.5,), ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("bound", "figure", "verdict"),
    [
        ("at least", (1.0, 1.4, 9.0), "**missed**"),
        ("at least", (1.5,), "reached"),
        ("at least", (2.0,), "aim reached"),
        ("at most", (2.1,), "**missed**"),
        ("at most", (1.6,), "reached"),
    ],
)
def test_the_median_is_held_to_the_goal(bound: str, figure: tuple[float, ...], verdict: str) -> None:
    floor, aim = {"at least": (1.5, 2.0), "at most": (2.0, 1.5)}[bound]

    assert Goal("rows/s", Spread(figure), bound, floor, aim).verdict == verdict  # type: ignore[arg-type]


def test_slow_tools_run_in_the_first_round_only_and_are_compared_within_it() -> None:
    ours, theirs = iter([2.0, 8.0]), iter([1.0, 1.0])
    runs: dict[str, Callable[[], float]] = {"ours": partial(next, ours), "slow": partial(next, theirs)}

    found = in_turns(runs, 2, once={"slow"})

    assert found == {"ours": [2.0, 8.0], "slow": [1.0]}
    assert Spread.of(found["ours"]).per(Spread.of(found["slow"])).values == (2.0,)


def test_the_last_two_results_of_a_section_are_kept() -> None:
    first, second, third = (
        results.Measured(results.Section("A", "", (), (), ()), f"run {number}", 1, 0, "", "") for number in (1, 2, 3)
    )

    kept = results.added(results.added(results.added({}, "a", first), "a", second), "a", third)

    assert kept == {"a": (second, third)}
