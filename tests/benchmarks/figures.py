"""Figures of several rounds: the middle one with the range, and what they were to be."""

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

Result = TypeVar("Result")


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
        """The ratios to *other*, each within its round."""
        return Spread.of(mine / theirs for mine, theirs in zip(self.values, other.values, strict=True))

    def text(self, unit: str = "") -> str:
        """The median, and the least and most where they differ in what is shown."""
        middle, low, high = (_short(value) for value in (self.median, min(self.values), max(self.values)))
        spread = f" ({low} to {high})" if low != high else ""
        return f"{middle}{unit}{spread}"


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure was to be; judged by the median."""

    what: str
    figure: Spread
    most: float | None = None
    least: float | None = None
    unit: str = ""

    @property
    def reached(self) -> bool:
        value = self.figure.median
        return (self.most is None or value <= self.most) and (self.least is None or value >= self.least)

    def row(self) -> tuple[str, ...]:
        bounds = [f"at most {_short(self.most)}{self.unit}"] if self.most is not None else []
        bounds += [f"at least {_short(self.least)}{self.unit}"] if self.least is not None else []
        return self.what, self.figure.text(self.unit), " and ".join(bounds), "reached" if self.reached else "**missed**"


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    text: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    goals: Sequence[Goal]

    def markdown(self) -> str:
        parts = [f"## {self.title}", self.text]
        if self.rows:
            parts.append(table(self.header, self.rows))
        if self.goals:
            parts.append(table(("goal", "measured", "wanted", ""), [goal.row() for goal in self.goals]))
        return "\n\n".join(parts)


def in_turns(runs: Mapping[str, Callable[[], Result]], rounds: int) -> dict[str, list[Result]]:
    """Let *runs* take turns, *rounds* times; the first one changes, so that none always follows the same one."""
    results: dict[str, list[Result]] = {name: [] for name in runs}
    for number in range(rounds):
        for name in _beginning_at(list(runs), number):
            results[name].append(runs[name]())
    return results


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = chain([header, ["---"] * len(header)], rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _beginning_at(names: list[str], number: int) -> Iterator[str]:
    start = number % len(names)
    yield from names[start:]
    yield from names[:start]


def _short(value: float) -> str:
    if abs(value) >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}".replace(",", " ")
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
