"""The ledger: what the processes of one account know together, and how one process's turn changes it. Pure.

Each limit (requests in flight, requests per second of a domain) has one value for the account. A turn adds what the
member learned since its last one, and returns its share: by need, and never more than the other members have left
free. A new member therefore waits until the others have made room, and the share of a member that is silent for the
length of a lease is free again.
"""

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from readstate.twilio.pacing.adaptive_limit import LimitState
from readstate.twilio.shared_pace.fair_share import fair_shares, round_shares

LEASE_SECONDS = 5.0
WINDOW = "window"
"""The name of the limit of requests in flight; the others are named by their domain."""
_LEAST = 0.001


class MemberShare(Struct, frozen=True):
    """What one member holds of a limit."""

    value: float
    need: float
    most: float
    slow_start: bool


class AccountLimit(Struct, frozen=True):
    """One limit of the account, as far as it is known."""

    value: float
    refused_at: float
    credit: float
    shares: dict[str, MemberShare] = field(default_factory=dict)


class Member(Struct, frozen=True):
    """A process whose lease lasts."""

    seen_at: float
    in_outage: bool


class Ledger(Struct, frozen=True):
    """What is stored. Times are by one clock that all members see."""

    epoch: str = ""
    """Changes when the ledger was lost, so that members know to report all that they hold."""
    members: dict[str, Member] = field(default_factory=dict)
    limits: dict[str, AccountLimit] = field(default_factory=dict)
    paused_until: dict[str, float] = field(default_factory=dict)


class LimitReport(Struct, frozen=True):
    """What a member reports of one limit."""

    state: LimitState
    """Its `credit` is that since the member's last turn, or since its last refusal where that came later."""
    learned: float
    """By how much its limit moved since its last turn."""
    presumed: float
    """The limit of the whole account, for the case that the ledger does not know it."""
    need: float
    most: float
    refused: bool
    """Whether a request was refused since its last turn."""


class MemberReport(Struct, frozen=True):
    """What a member brings to its turn."""

    member: str
    epoch: str | None
    """The ledger's at its last turn; None before its first."""
    in_outage: bool
    limits: Mapping[str, LimitReport]
    pauses: Mapping[str, float]
    """For how many seconds each domain is still paused."""


class LimitShare(Struct, frozen=True):
    """A member's share of one limit."""

    state: LimitState
    account_value: float
    fair: float
    """The share that the member will have when the others have made room."""
    is_shared: bool
    """Whether other members have a share too."""


class TurnResult(Struct, frozen=True):
    """What a member takes from its turn."""

    epoch: str
    members: int
    shares: Mapping[str, LimitShare]
    limits: frozenset[str]
    """All limits that any member has met, also those that this one has not."""
    pauses: Mapping[str, float]
    in_outage: bool
    """Whether most members get no responses."""


def take_turn(report: MemberReport, ledger: Ledger, now: float) -> tuple[Ledger, TurnResult]:
    """Return the ledger after one member's turn at *now*, and what the member takes from it."""
    ledger = _drop_expired(ledger, now)
    if not ledger.members:
        ledger = Ledger(epoch=f"{report.member}@{now}")
    members = {**ledger.members, report.member: Member(now, report.in_outage)}
    turns = {name: _limit_turn(name, report, ledger, now) for name in report.limits}
    limits = {**ledger.limits, **{name: limit for name, (limit, _) in turns.items()}}
    paused_until = _merge_pauses(ledger.paused_until, report.pauses, now)
    result = TurnResult(
        epoch=ledger.epoch,
        members=len(members),
        shares={name: share for name, (_, share) in turns.items()},
        limits=frozenset(limits),
        pauses={name: until - now for name, until in paused_until.items()},
        in_outage=2 * sum(member.in_outage for member in members.values()) > len(members) > 1,
    )
    return Ledger(ledger.epoch, members, limits, paused_until), result


def leave(member: str, ledger: Ledger, now: float) -> tuple[Ledger, None]:
    """Remove *member*, so that its share is free before its lease ends."""
    others = {name: one for name, one in ledger.members.items() if name != member}
    return _drop_expired(replace(ledger, members=others), now), None


def is_alive(ledger: Ledger, now: float) -> bool:
    """Return whether any member's lease lasts."""
    return bool(_drop_expired(ledger, now).members)


def _drop_expired(ledger: Ledger, now: float) -> Ledger:
    # A time in the future is by another clock: the machine was rebooted.
    members = {name: one for name, one in ledger.members.items() if 0 <= now - one.seen_at <= LEASE_SECONDS}
    limits = {
        name: replace(limit, shares=shares)
        for name, limit in ledger.limits.items()
        if (shares := {member: share for member, share in limit.shares.items() if member in members})
    }
    return replace(ledger, members=members, limits=limits)


def _limit_turn(name: str, member_report: MemberReport, ledger: Ledger, now: float) -> tuple[AccountLimit, LimitShare]:
    limit, report, member = ledger.limits.get(name), member_report.limits[name], member_report.member
    shares = {} if limit is None else dict(limit.shares)
    shares[member] = MemberShare(0.0, report.need, report.most, report.state.slow_start)
    # Slow start ends for all as soon as one member meets the limit; members in an outage cannot meet it.
    slow_start = all(
        share.slow_start for name, share in shares.items() if name == member or not ledger.members[name].in_outage
    )
    value = _account_value(limit, report, member_report, ledger)
    value = max(_LEAST, min(value, sum(share.most for share in shares.values())))
    needs, most = {m: share.need for m, share in shares.items()}, {m: share.most for m, share in shares.items()}
    fair = fair_shares(value, needs, most)
    if name == WINDOW:
        fair = round_shares(fair)
    free = value - sum(share.value for share in shares.values())
    mine = max(0.0, min(fair[member], free))
    shares[member] = replace(shares[member], value=mine)
    after = replace(_merge_learned(limit, report, now), value=value, shares=shares)
    state = LimitState(mine, now - after.refused_at, after.credit, slow_start)
    return after, LimitShare(state, value, fair[member], is_shared=len(shares) > 1)


def _account_value(
    limit: AccountLimit | None, report: LimitReport, member_report: MemberReport, ledger: Ledger
) -> float:
    ledger_was_lost = member_report.epoch not in (None, ledger.epoch)
    if limit is None:
        return report.state.value if ledger_was_lost else report.presumed
    if ledger_was_lost:
        return limit.value + report.state.value
    # A new member has learned nothing, and the share of a member whose lease ended was given to the others.
    is_known = member_report.epoch is not None and member_report.member in ledger.members
    return limit.value + (report.learned if is_known else 0.0)


def _merge_learned(limit: AccountLimit | None, report: LimitReport, now: float) -> AccountLimit:
    refused_at = now - report.state.quiet_seconds
    if limit is None:
        return AccountLimit(0.0, refused_at, report.state.credit)
    if not report.refused:
        return replace(limit, credit=limit.credit + report.state.credit)
    if refused_at < limit.refused_at:
        return limit
    return replace(limit, refused_at=refused_at, credit=report.state.credit)


def _merge_pauses(paused_until: Mapping[str, float], pauses: Mapping[str, float], now: float) -> dict[str, float]:
    merged = {name: until for name, until in paused_until.items() if until > now}
    for name, seconds in pauses.items():
        if seconds > 0:
            merged[name] = max(merged.get(name, 0.0), now + seconds)
    return merged
