"""The outcome that each row of an applied plan gets, and its meaning, next action and file: one table."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct


class Outcome(StrEnum):
    """How a row ended; a finished run has one of these for each of its rows."""

    APPLIED = "applied"
    CONVERGED = "converged"
    """It was already as the plan wanted it."""
    DRIFTED = "drifted"
    """It was no longer as in the plan, so nothing was sent."""
    SUPERSEDED = "superseded"
    """Reading back shows neither the value from before nor ours."""
    REJECTED = "rejected"
    """Twilio refused the change."""
    NOT_FOUND = "not_found"
    MISMATCH = "mismatch"
    """Twilio accepted the change, and reading back shows something else."""
    UNKNOWN = "unknown"
    """Whether the change had its effect could not be found out."""
    CANCELLED = "cancelled"
    """Never sent: the run ended first."""
    NOT_PLANNED = "not_planned"
    """The plan sends nothing for this row."""


class OutcomeClass(StrEnum):
    """The kinds of outcomes."""

    AS_PLANNED = "as planned"
    LEFT_ALONE = "left alone"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_SENT = "not sent"


class OutcomeSource(StrEnum):
    """How an outcome became known."""

    RESPONSE = "response"
    READBACK = "readback"
    ALREADY = "already"
    NOT_FOUND_AFTER_AMBIGUOUS = "404_after_ambiguous"


class OutcomeFacts(Struct, frozen=True):
    """What one outcome means."""

    kind: OutcomeClass
    meaning: str
    next_action: str | None = None
    file: str | None = None
    """The changes file beside the results that lists such rows again."""


OUTCOMES: Mapping[Outcome, OutcomeFacts] = {
    Outcome.APPLIED: OutcomeFacts(OutcomeClass.AS_PLANNED, "changed as planned"),
    Outcome.CONVERGED: OutcomeFacts(OutcomeClass.AS_PLANNED, "was already as planned"),
    Outcome.DRIFTED: OutcomeFacts(
        OutcomeClass.LEFT_ALONE, "changed since the plan: left alone", "plan drifted.csv again", "drifted.csv"
    ),
    Outcome.SUPERSEDED: OutcomeFacts(
        OutcomeClass.LEFT_ALONE, "changed by others meanwhile", "plan drifted.csv again", "drifted.csv"
    ),
    Outcome.REJECTED: OutcomeFacts(
        OutcomeClass.FAILED, "refused or unreadable", "fix the cause, then resume", "failed.csv"
    ),
    Outcome.NOT_FOUND: OutcomeFacts(
        OutcomeClass.FAILED, "no longer exists", "check whether it should exist", "failed.csv"
    ),
    Outcome.MISMATCH: OutcomeFacts(
        OutcomeClass.FAILED,
        "accepted, but reading back shows something else",
        "compare it with the plan, then resume",
        "failed.csv",
    ),
    Outcome.UNKNOWN: OutcomeFacts(
        OutcomeClass.UNKNOWN, "may or may not have been changed", "resume reads it back", "unknown.csv"
    ),
    Outcome.CANCELLED: OutcomeFacts(OutcomeClass.NOT_SENT, "never sent", "resume sends it"),
}
"""Each outcome of a row that was to be changed, in the order in which people look at them."""


ERRORS = frozenset({Outcome.REJECTED, Outcome.MISMATCH, Outcome.UNKNOWN})
"""Outcomes that count against the error budget: a membership that is gone is none of them."""


def outcomes_in(kind: OutcomeClass) -> frozenset[Outcome]:
    """Return the outcomes of *kind*."""
    return frozenset(outcome for outcome, facts in OUTCOMES.items() if facts.kind is kind)
