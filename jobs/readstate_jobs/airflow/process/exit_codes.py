"""What the exit code of a command means for a task: success, a retry, or failure."""

from collections.abc import Mapping
from typing import Literal

from readstate.errors import ExitCode

Reaction = Literal["succeed", "retry", "fail"]
"""``fail`` is for what a retry would not change."""

REACTIONS: Mapping[int, Reaction] = {
    ExitCode.DONE: "succeed",
    ExitCode.CHANGES_PRESENT: "succeed",
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
    """Return what to do about *code*; *chosen* is the task's choice for runs that finished with failed rows.

    A command that was killed, or ends with an unknown code, is tried again.
    """
    return REACTIONS.get(code) or chosen.get(code, "retry")
