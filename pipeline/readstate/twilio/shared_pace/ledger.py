"""What the processes of one account know together, and what one of them changes when it is its turn.

Each limit (requests in flight, requests per second of a domain) has one level for the account. A turn adds what the
member learned since its last one, and gives it its part: by need, and never more than the others have left. So whoever
comes waits until the others have made room, and whoever falls silent for a few seconds makes room for the others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from readstate.twilio.pacing.adaptive_limit import Standing
from readstate.twilio.shared_pace.fair_share import divide, whole

LEASE_SECONDS = 5.0
WINDOW = "window"
"""The name of the limit of requests in flight; the others are named by their domain."""
_LEAST = 0.001


@dataclass(frozen=True, slots=True)
class Part:
    """What one member holds of a limit."""

    value: float
    need: float
    most: float
    searching: bool


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of the account, as far as it is known."""

    level: float
    refused_at: float
    earned: float
    lost_to_pauses: float
    parts: dict[str, Part] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Member:
    """A process that took its turn not long ago."""

    seen_at: float
    in_outage: bool


@dataclass(frozen=True, slots=True)
class Ledger:
    """All that is kept together. Times are by one clock that all members see."""

    epoch: str = ""
    """Changes when everything was lost, so that members know to bring what they hold."""
    members: dict[str, Member] = field(default_factory=dict)
    limits: dict[str, Limit] = field(default_factory=dict)
    gates: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a member has to say about one limit."""

    standing: Standing
    """`earned` since its last turn, or since its last refusal where that came later."""
    learned: float
    """By how much its level moved since its last turn."""
    presumed: float
    """The level of the whole account, for the case that nobody knows it."""
    need: float
    most: float
    refused: bool
    """Since its last turn."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a member brings to its turn."""

    member: str
    epoch: str | None
    """The one of its last turn; None for its first."""
    in_outage: bool
    claims: Mapping[str, Claim]
    gates: Mapping[str, float]
    """Seconds that each is still closed."""


@dataclass(frozen=True, slots=True)
class Given:
    """A member's part of one limit."""

    standing: Standing
    level: float
    """The account's."""
    fair: float
    """What it will have when the others have made room."""
    is_shared: bool
    """Whether anybody else has a part."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """What a member takes home from its turn."""

    epoch: str
    members: int
    given: Mapping[str, Given]
    limits: frozenset[str]
    """All that anybody has met, also those that this member has not."""
    gates: Mapping[str, float]
    in_outage: bool
    """Whether most members get no answers."""


def exchange(report: Report, ledger: Ledger, now: float) -> tuple[Ledger, Adopted]:
    """Take one member's turn at *now* and give the ledger after it."""
    ledger = _among_the_living(ledger, now)
    if not ledger.members:
        ledger = Ledger(epoch=f"{report.member}@{now}")
    members = {**ledger.members, report.member: Member(now, report.in_outage)}
    turns = {name: _turn(name, report, ledger, now) for name in report.claims}
    limits = {**ledger.limits, **{name: limit for name, (limit, _) in turns.items()}}
    gates = _merged(ledger.gates, report.gates, now)
    after = Ledger(ledger.epoch, members, limits, gates)
    adopted = Adopted(
        epoch=ledger.epoch,
        members=len(members),
        given={name: given for name, (_, given) in turns.items()},
        limits=frozenset(limits),
        gates={name: until - now for name, until in gates.items()},
        in_outage=2 * sum(member.in_outage for member in members.values()) > len(members) > 1,
    )
    return after, adopted


def leave(member: str, ledger: Ledger, now: float) -> tuple[Ledger, None]:
    """Give back what *member* holds, so that nobody has to wait until its lease ends."""
    gone = {name: one for name, one in ledger.members.items() if name != member}
    return _among_the_living(replace(ledger, members=gone), now), None


def is_alive(ledger: Ledger, now: float) -> bool:
    """Whether anybody still takes turns."""
    return bool(_among_the_living(ledger, now).members)


def _among_the_living(ledger: Ledger, now: float) -> Ledger:
    # A time to come is one of another clock: this machine was started anew.
    members = {name: one for name, one in ledger.members.items() if 0 <= now - one.seen_at <= LEASE_SECONDS}
    limits = {
        name: replace(limit, parts=parts)
        for name, limit in ledger.limits.items()
        if (parts := {member: part for member, part in limit.parts.items() if member in members})
    }
    return replace(ledger, members=members, limits=limits)


def _turn(limit_name: str, report: Report, ledger: Ledger, now: float) -> tuple[Limit, Given]:
    limit, claim, member = ledger.limits.get(limit_name), report.claims[limit_name], report.member
    parts = {} if limit is None else dict(limit.parts)
    parts[member] = Part(0.0, claim.need, claim.most, claim.standing.searching)
    searching = all(
        part.searching for name, part in parts.items() if name == member or not ledger.members[name].in_outage
    )
    level = _level(limit, claim, report, ledger)
    level = max(_LEAST, min(level, sum(part.most for part in parts.values())))
    fair = divide(level, {m: part.need for m, part in parts.items()}, {m: part.most for m, part in parts.items()})
    if limit_name == WINDOW:
        fair = whole(fair)
    left = level - sum(part.value for part in parts.values())
    value = max(0.0, min(fair[member], left))
    parts[member] = replace(parts[member], value=value)
    known = _learned_together(limit, claim, now)
    after = replace(known, level=level, parts=parts)
    together = Standing(value, now - after.refused_at, after.earned, after.lost_to_pauses, searching)
    return after, Given(together, level, fair[member], is_shared=len(parts) > 1)


def _level(limit: Limit | None, claim: Claim, report: Report, ledger: Ledger) -> float:
    everything_was_lost = report.epoch not in (None, ledger.epoch)
    if limit is None:
        return claim.standing.value if everything_was_lost else claim.presumed
    if everything_was_lost:
        return limit.level + claim.standing.value
    # Who is new has learned nothing, and what one held whose lease ran out was given to the others.
    is_known = report.epoch is not None and report.member in ledger.members
    return limit.level + (claim.learned if is_known else 0.0)


def _learned_together(limit: Limit | None, claim: Claim, now: float) -> Limit:
    mine = claim.standing
    refused_at = now - mine.quiet_seconds
    if limit is None:
        return Limit(0.0, refused_at, mine.earned, mine.lost_to_pauses)
    if not claim.refused:
        return replace(limit, earned=limit.earned + mine.earned)
    if refused_at < limit.refused_at:
        return limit
    return replace(
        limit,
        refused_at=refused_at,
        earned=mine.earned,
        lost_to_pauses=mine.lost_to_pauses or limit.lost_to_pauses,
    )


def _merged(gates: Mapping[str, float], seconds: Mapping[str, float], now: float) -> dict[str, float]:
    merged = {name: until for name, until in gates.items() if until > now}
    for name, left in seconds.items():
        if left > 0:
            merged[name] = max(merged.get(name, 0.0), now + left)
    return merged
