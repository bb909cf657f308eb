"""Export and change who has read what in Twilio Conversations, for all users at once.

The names below are the public face of the library. Each is imported when it is first used, so that ``import readstate``
alone costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from readstate.changes.apply.run import apply
    from readstate.changes.plans.reader import Plan, open_plan
    from readstate.changes.review.undo import plan_undo
    from readstate.changes.runs.directory import RunDirectory, find_run
    from readstate.errors import (
        ApiError,
        BadInput,
        ConsentMissing,
        ExitCode,
        GuardRefused,
        LocalDisk,
        Locked,
        NotPermitted,
        PlanUnusable,
        ReadstateError,
        Stopped,
        StoppedEarly,
        TransportError,
    )
    from readstate.settings.settings import Settings, load_settings
    from readstate.snapshot.export.export import export
    from readstate.snapshot.published.snapshot import Snapshot, open_snapshot

__version__ = "0.2.0"

__all__ = [
    "ApiError",
    "BadInput",
    "ConsentMissing",
    "ExitCode",
    "GuardRefused",
    "LocalDisk",
    "Locked",
    "NotPermitted",
    "Plan",
    "PlanUnusable",
    "ReadstateError",
    "RunDirectory",
    "Settings",
    "Snapshot",
    "Stopped",
    "StoppedEarly",
    "TransportError",
    "apply",
    "export",
    "find_run",
    "load_settings",
    "open_plan",
    "open_snapshot",
    "plan_undo",
]

_MODULES = {
    "Plan": "readstate.changes.plans.reader",
    "RunDirectory": "readstate.changes.runs.directory",
    "Settings": "readstate.settings.settings",
    "Snapshot": "readstate.snapshot.published.snapshot",
    "apply": "readstate.changes.apply.run",
    "export": "readstate.snapshot.export.export",
    "find_run": "readstate.changes.runs.directory",
    "load_settings": "readstate.settings.settings",
    "open_plan": "readstate.changes.plans.reader",
    "open_snapshot": "readstate.snapshot.published.snapshot",
    "plan_undo": "readstate.changes.review.undo",
}
"""Where each name is defined; what is not listed is in `readstate.errors`."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES.get(name, "readstate.errors")), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
