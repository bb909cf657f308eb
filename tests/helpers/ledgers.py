"""What tests of the ledger's stores bring to it."""

from readstate.twilio.pacing.adaptive_limit import LimitState
from readstate.twilio.shared_pace.ledger import WINDOW, Ledger, LimitReport, MemberReport


def member_report(member: str = "one", value: float = 40.0) -> MemberReport:
    """Return the first report of *member*, whose window is *value*."""
    state = LimitState(value, quiet_seconds=1e6, credit=0.0, slow_start=False)
    window = LimitReport(state, learned=0.0, presumed=value, need=500.0, most=500.0, refused=False)
    return MemberReport(member, None, in_outage=False, limits={WINDOW: window}, pauses={})


def read(ledger: Ledger, now: float) -> tuple[Ledger, Ledger]:
    """Change nothing, and return the ledger."""
    return ledger, ledger
