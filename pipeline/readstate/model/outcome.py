"""The one answer that each row of an applied plan gets."""

from enum import StrEnum


class Outcome(StrEnum):
    """How a row ended; a finished run has one of these for each of its rows."""

    APPLIED = "applied"
    CONVERGED = "converged"
    """Somebody else had already made it so."""
    DRIFTED = "drifted"
    """It was no longer as the plan had seen it, so nothing was sent."""
    REJECTED = "rejected"
    """Twilio refused the change."""
    NOT_FOUND = "not_found"
    MISMATCH = "mismatch"
    """Twilio accepted the change, and reading back shows something else."""
    SUPERSEDED = "superseded"
    """Reading back shows neither the value from before nor ours."""
    UNKNOWN = "unknown"
    """Whether the change had its effect could not be learned."""
    CANCELLED = "cancelled"
    """Never sent: the run ended first."""
    NOT_PLANNED = "not_planned"
    """The plan itself said to do nothing here."""


class By(StrEnum):
    """How an outcome became known."""

    RESPONSE = "response"
    READBACK = "readback"
    ALREADY = "already"
    NOT_FOUND_AFTER_AMBIGUOUS = "404_after_ambiguous"


MEANING = {
    Outcome.APPLIED: "changed as planned",
    Outcome.CONVERGED: "somebody else had made it so",
    Outcome.DRIFTED: "no longer as planned: left alone",
    Outcome.SUPERSEDED: "changed by somebody else meanwhile",
    Outcome.REJECTED: "refused or unreadable",
    Outcome.NOT_FOUND: "did not exist any more",
    Outcome.MISMATCH: "accepted, but reading back shows something else",
    Outcome.UNKNOWN: "nobody knows whether it had its effect",
    Outcome.CANCELLED: "never sent",
}
"""Each outcome of a row that was to be changed, in the order in which people look at them."""
