"""Max-min fair shares of a limit: by need, and evenly among the members that could use more."""

from collections.abc import Mapping
from itertools import accumulate, pairwise
from math import floor


def fair_shares(limit: float, needs: Mapping[str, float], most: Mapping[str, float]) -> dict[str, float]:
    """Return the max-min fair share of each member, then spread what no member needs evenly.

    The shares never sum above *limit*, and none exceeds its member's *most*.
    """
    shares = _max_min(limit, {name: min(need, most[name]) for name, need in needs.items()})
    room = {name: most[name] - share for name, share in shares.items()}
    spare = _max_min(limit - sum(shares.values()), room)
    return {name: share + spare[name] for name, share in shares.items()}


def round_shares(shares: Mapping[str, float]) -> dict[str, float]:
    """Round *shares* to whole numbers whose sum is theirs, rounded down; if any is below one, change none.

    Half a request cannot be in flight: ten windows of 8.9 are 80 requests, and at 9.0 they would be 90 at once.
    """
    if any(share < 1 for share in shares.values()):
        return dict(shares)
    names = sorted(shares)
    sums = [0.0, *accumulate(shares[name] for name in names)]
    # Limit and shares are sums of fractions: what should be 9 may be a hair below it.
    counts = (floor(after + 1e-9) - floor(before + 1e-9) for before, after in pairwise(sums))
    return dict(zip(names, map(float, counts), strict=True))


def _max_min(limit: float, caps: Mapping[str, float]) -> dict[str, float]:
    # Progressive filling: the smallest cap first, each gets an even part of what remains.
    remaining, shares = max(0.0, limit), dict[str, float]()
    for number, name in enumerate(sorted(caps, key=caps.__getitem__)):
        shares[name] = max(0.0, min(caps[name], remaining / (len(caps) - number)))
        remaining -= shares[name]
    return shares
