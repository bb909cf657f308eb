"""Figures of several rounds: the middle one with the range, what they were to be, and what is drawn of them."""

import statistics
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal, TypeVar

Result = TypeVar("Result")
MISSED, REACHED = "**missed**", ("reached", "aim reached")


@dataclass(frozen=True, slots=True)
class Spread:
    """The same figure from every round."""

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        return cls(tuple(values))

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def per(self, other: "Spread") -> "Spread":
        """Return the ratios to *other*, each within its round; rounds that only one of both has are left out."""
        return Spread.of(mine / theirs for mine, theirs in zip(self.values, other.values, strict=False))

    def text(self, unit: str = "") -> str:
        """Return the median, and the least and most where they differ in what is shown."""
        middle, low, high = (short(value) for value in (self.median, min(self.values), max(self.values)))
        spread = f" ({low} to {high})" if low != high else ""
        return f"{middle}{unit}{spread}"


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure was to be, judged by the median; without *floor* it is shown beside a goal and not judged."""

    what: str
    figure: Spread
    bound: Literal["at least", "at most"]
    floor: float | None = None
    aim: float | None = None
    unit: str = ""

    @property
    def median(self) -> str:
        return f"{short(self.figure.median)}{self.unit}"

    @property
    def wanted(self) -> str:
        if self.floor is None:
            return ""
        return f"{self.bound} {short(self.floor)}{self.unit}" + (f", aim {short(self.aim)}" if self.aim else "")

    @property
    def verdict(self) -> str:
        if self.floor is None:
            return ""
        if not self._holds(self.floor):
            return MISSED
        return REACHED[self.aim is not None and self._holds(self.aim)]

    def _holds(self, limit: float) -> bool:
        return self.figure.median >= limit if self.bound == "at least" else self.figure.median <= limit


@dataclass(frozen=True, slots=True)
class Chart:
    """What a picture shows; sections whose charts have one name share the picture."""

    name: str
    """Of its file, without ending."""
    title: str
    bars: Mapping[str, float] = field(default_factory=dict)
    lines: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    text: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    goals: Sequence[Goal]
    charts: Sequence[Chart] = ()

    def markdown(self) -> str:
        goals = [(goal.what, goal.figure.text(goal.unit), goal.wanted, goal.verdict) for goal in self.goals]
        parts = [
            f"## {self.title}",
            self.text,
            table(self.header, self.rows) if self.rows else "",
            table(("goal", "measured", "wanted", ""), goals) if goals else "",
        ]
        return "\n\n".join(filter(None, parts))


def in_turns(
    runs: Mapping[str, Callable[[], Result]], rounds: int, *, once: Collection[str] = ()
) -> dict[str, list[Result]]:
    """Let *runs* take turns, *rounds* times, those in *once* only in the first; every round begins with another one."""
    results: dict[str, list[Result]] = {name: [] for name in runs}
    for number in range(rounds):
        for name in _beginning_at([name for name in runs if not number or name not in once], number):
            results[name].append(runs[name]())
    return results


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = chain([header, ["---"] * len(header)], rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def short(value: float) -> str:
    """Return *value* with three digits that count, or all of them before the point."""
    if abs(value) >= 1000:
        return group(float(f"{value:.3g}"))
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def group(value: float) -> str:
    return f"{value:,.0f}".replace(",", " ")


def _beginning_at(names: list[str], number: int) -> Iterator[str]:
    start = number % len(names)
    yield from names[start:]
    yield from names[:start]
