"""What an exit code means to a scheduler: go on, try again, or call somebody."""

from collections.abc import Mapping
from typing import Literal

from readstate.errors import ExitCode

Reaction = Literal["succeed", "retry", "fail"]
"""``fail`` is for what a second try would not change."""

_WHEN_NOT_DONE: Mapping[int, Reaction] = {
    ExitCode.BAD_INPUT: "fail",
    ExitCode.GUARD_REFUSED: "fail",
    ExitCode.PLAN_UNUSABLE: "fail",
    ExitCode.NOT_PERMITTED: "fail",
    ExitCode.CONSENT_MISSING: "fail",
    ExitCode.USAGE: "fail",
    ExitCode.LOCKED: "retry",
    ExitCode.STOPPED_EARLY: "retry",
    ExitCode.LOCAL_DISK: "retry",
    ExitCode.INTERNAL: "retry",
    ExitCode.INTERRUPTED: "retry",
    ExitCode.TERMINATED: "retry",
}


def reaction_to(code: int, chosen: Mapping[int, Reaction]) -> Reaction:
    """What to do about *code*, where *chosen* decides about commands that finished and yet not all was well.

    A command that was killed, or ends with a code that nobody knows, is tried again.
    """
    if code in {ExitCode.DONE, ExitCode.CHANGES_PRESENT}:
        return "succeed"
    return chosen.get(code) or _WHEN_NOT_DONE.get(code, "retry")
