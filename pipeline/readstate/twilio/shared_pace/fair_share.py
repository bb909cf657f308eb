"""Divides a level among those who share it: by what each can use, and evenly where all could use more."""

from collections.abc import Mapping
from itertools import accumulate, pairwise
from math import floor


def divide(level: float, needs: Mapping[str, float], most: Mapping[str, float]) -> dict[str, float]:
    """Give each what it needs, or an even part of what is left by those who need less; then what nobody needs.

    The parts never sum above *level*, and none exceeds its *most*.
    """
    parts = _fill(level, {name: min(need, most[name]) for name, need in needs.items()})
    room = {name: most[name] - part for name, part in parts.items()}
    spare = _fill(level - sum(parts.values()), room)
    return {name: part + spare[name] for name, part in parts.items()}


def whole(parts: Mapping[str, float]) -> dict[str, float]:
    """Round *parts* to whole numbers whose sum is theirs, rounded down; parts below one stay as they are.

    Half a request cannot be in flight: ten windows of 8.9 are 80 requests, and at 9.0 they would be 90 at once.
    """
    if any(part < 1 for part in parts.values()):
        return dict(parts)
    names = sorted(parts)
    sums = [0.0, *accumulate(parts[name] for name in names)]
    # Level and parts are sums of fractions: what should be 9 may be a hair below it.
    counts = (floor(after + 1e-9) - floor(before + 1e-9) for before, after in pairwise(sums))
    return dict(zip(names, map(float, counts), strict=True))


def _fill(level: float, limits: Mapping[str, float]) -> dict[str, float]:
    left, parts = max(0.0, level), dict[str, float]()
    for number, name in enumerate(sorted(limits, key=limits.__getitem__)):
        parts[name] = max(0.0, min(limits[name], left / (len(limits) - number)))
        left -= parts[name]
    return parts
