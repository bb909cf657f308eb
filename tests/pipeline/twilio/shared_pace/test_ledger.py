from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from readstate.twilio.pacing.adaptive_limit import LimitState
from readstate.twilio.shared_pace.ledger import (
    LEASE_SECONDS,
    WINDOW,
    Ledger,
    LimitReport,
    MemberReport,
    TurnResult,
    leave,
    take_turn,
)


@dataclass
class Process:
    """A member as the ledger sees it: holds what it was given, and learns."""

    name: str
    value: float = 4.0
    base: float = 4.0
    need: float = 500.0
    epoch: str | None = None
    quiet: float = 1e6
    refused: bool = False
    slow_start: bool = False
    in_outage: bool = False
    credit: float = 0.0
    pauses: tuple[tuple[str, float], ...] = ()

    def report(self) -> MemberReport:
        state = LimitState(self.value, self.quiet, self.credit, self.slow_start)
        limit_report = LimitReport(
            state, self.value - self.base, presumed=self.value, need=self.need, most=500.0, refused=self.refused
        )
        return MemberReport(self.name, self.epoch, self.in_outage, {WINDOW: limit_report}, dict(self.pauses))

    def apply(self, result: TurnResult) -> None:
        self.epoch = result.epoch
        self.value = self.base = result.shares[WINDOW].state.value
        self.slow_start = result.shares[WINDOW].state.slow_start
        self.refused = False


class Account:
    """A ledger and the time."""

    def __init__(self, *processes: Process, now: float = 1000.0) -> None:
        self.ledger = Ledger()
        self.now = now
        self.processes = list(processes)

    def turn(self, process: Process) -> TurnResult:
        self.ledger, result = take_turn(process.report(), self.ledger, self.now)
        process.apply(result)
        return result

    def rounds(self, number: int = 1) -> None:
        """Let each process take its turn once a second."""
        for _ in range(number):
            for process in self.processes:
                self.now += 1 / len(self.processes)
                self.turn(process)

    @property
    def account_value(self) -> float:
        return self.ledger.limits[WINDOW].value

    @property
    def in_force(self) -> float:
        return sum(process.value for process in self.processes)


def settled(number: int, account_value: float) -> Account:
    account = Account(*(Process(f"p{place}") for place in range(number)))
    account.rounds()
    account.processes[0].value += account_value - account.account_value
    account.rounds(3)
    return account


def test_a_new_member_has_learned_nothing() -> None:
    account = settled(2, 90.0)
    account.turn(Process("joiner", value=400.0, base=0.0))

    assert account.account_value == 90


def test_the_share_of_a_dead_process_returns_when_its_lease_ends() -> None:
    account = settled(3, 90.0)
    dead = account.processes.pop()

    account.now += LEASE_SECONDS - 3
    account.rounds(2)
    assert account.in_force == 60
    account.rounds(3)
    assert account.in_force == 90

    dead.value += 50  # it was only asleep, and went on for a moment
    account.turn(dead)
    assert (account.account_value, dead.value) == (90, 0)


def test_the_share_of_a_member_that_leaves_is_free_at_once() -> None:
    account = settled(3, 90.0)
    gone = account.processes.pop()
    account.ledger, _ = leave(gone.name, account.ledger, account.now)
    account.rounds(1)

    assert account.in_force == 90


def test_a_refusal_of_one_member_restarts_the_quiet_time_of_all() -> None:
    account = settled(2, 90.0)
    one, other = account.processes
    one.credit = 3.0
    account.rounds(1)
    one.refused, one.quiet, one.credit = True, 0.2, 0.1
    account.turn(one)
    other.credit = 0.5

    state = account.turn(other).shares[WINDOW].state

    assert state.quiet_seconds == pytest.approx(0.2)
    assert state.credit == pytest.approx(0.6)


def test_slow_start_ends_for_all_when_one_met_the_limit_but_not_because_of_one_in_an_outage() -> None:
    one, other = Process("one", slow_start=True), Process("other", slow_start=True)
    account = Account(one, other)
    account.rounds(1)
    assert (one.slow_start, other.slow_start) == (True, True)

    one.in_outage, one.slow_start = True, False
    account.turn(one)
    assert account.turn(other).shares[WINDOW].state.slow_start

    one.in_outage = False
    account.turn(one)
    assert not account.turn(other).shares[WINDOW].state.slow_start


def test_the_longest_pause_holds_all_until_it_is_over() -> None:
    account = settled(2, 90.0)
    one, other = account.processes
    for seconds in (3.0, 1.0):
        one.pauses = (("account", seconds),)
        account.turn(one)
    one.pauses = ()
    account.now += 1

    assert account.turn(other).pauses == {"account": pytest.approx(2.0)}

    account.now += 2.5

    assert account.turn(other).pauses == {}


@pytest.mark.parametrize(("out", "expected"), [(0, False), (1, False), (2, False), (3, True)])
def test_an_outage_is_one_where_most_members_report_it(out: int, expected: bool) -> None:
    account = settled(4, 90.0)
    for process in account.processes[:out]:
        process.in_outage = True
    account.rounds(1)

    assert account.turn(account.processes[3]).in_outage is expected


def test_a_lost_ledger_is_rebuilt_from_what_the_members_hold() -> None:
    account = settled(3, 90.0)
    account.ledger = Ledger()
    account.rounds(2)

    assert account.account_value == 90
    assert [process.value for process in account.processes] == [30, 30, 30]


def test_a_ledger_from_before_a_reboot_is_ignored() -> None:
    account = settled(2, 90.0)
    account.now = 5.0
    fresh = Process("fresh")
    account.turn(fresh)

    assert account.account_value == 4


KINDS = st.sampled_from(("turn", "turn", "turn", "learn", "refused", "need", "die", "join", "wipe"))


@given(st.lists(st.tuples(KINDS, st.integers(0, 5), st.floats(0, 2)), max_size=120))
def test_no_turn_lifts_the_sum_above_the_limit_and_shares_are_soon_fair_whatever_happened(script) -> None:
    account = settled(3, 90.0)
    born = 3
    for kind, which, amount in script:
        account.now += amount / 4
        process = account.processes[which % len(account.processes)]
        match kind:
            case "learn":
                process.value += amount
            case "refused":
                process.value = max(0.0, process.value - amount)
            case "need":
                process.need = 1 + 100 * amount
            case "die" if len(account.processes) > 1:
                account.processes.remove(process)
            case "join":
                born += 1
                account.processes.append(Process(f"p{born}", value=0.0, base=0.0))
            case "wipe":
                account.ledger = replace(account.ledger, members={})
            case _:
                account.turn(process)
                parts = account.ledger.limits[WINDOW].shares
                others = sum(part.value for name, part in parts.items() if name != process.name)
                assert process.value <= max(0.0, account.account_value - others) + 1e-6

    for process in account.processes:
        process.need = 500.0
    account.rounds(9)

    values = [process.value for process in account.processes]
    assert sum(values) <= account.account_value + 1e-6
    assert max(values) - min(values) <= 1 + 1e-6
