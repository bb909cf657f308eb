"""The most that any client can get out of an account at its cap while at most a given share of it is refused.

*window* requests of ours circulate between being served and being on their way; production arrives at random. With no
queue at the server the numbers in service have a product form, whatever the times in service look like: our part is
binomial, production's is Poisson, cut off where both together exceed the cap.
"""

from functools import cache
from math import exp, lgamma, log


def reachable(cap: int, *, service: float, round_trip: float, production: float, refused: float = 0.005) -> float:
    """Requests per second of the largest window that has at most the share *refused* of them refused."""
    best, low, high = 0.0, 1, int(cap * 2 * (1 + round_trip / service)) + 5
    while low <= high:
        window = (low + high) // 2
        if _served(cap, window - 1, service / round_trip, production * service)[1] <= refused:
            best = _served(cap, window, service / round_trip, production * service)[0] / service
            low = window + 1
        else:
            high = window - 1
    return best


@cache
def _served(cap: int, window: int, odds: float, production: float) -> tuple[float, float]:
    """How many of ours are in service on average, and how often all *cap* slots are taken."""
    theirs = [_weight(number * log(production) - lgamma(number + 1)) if production else float(number == 0)
              for number in range(cap + 1)]  # fmt: skip
    up_to = [sum(theirs[: number + 1]) for number in range(cap + 1)]
    peak = max(_ours(number, window, odds) for number in range(min(window, cap) + 1))
    total = full = mean = 0.0
    for number in range(min(window, cap) + 1):
        weight = exp(_ours(number, window, odds) - peak)
        total += weight * up_to[cap - number]
        full += weight * theirs[cap - number]
        mean += number * weight * up_to[cap - number]
    return mean / total, full / total


def _ours(number: int, window: int, odds: float) -> float:
    return lgamma(window + 1) - lgamma(number + 1) - lgamma(window - number + 1) + number * log(odds)


def _weight(logarithm: float) -> float:
    return exp(logarithm) if logarithm > -700 else 0.0
