"""The lock that keeps two runs on one machine from changing the same service."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from readstate.errors import Locked
from readstate.files import translate_os_errors
from readstate.locks import LockHeld, acquire_lock, is_locked
from readstate.model.plan import Target


@contextmanager
def target_lock(work_dir: Path, target: Target, *, run_id: str, holder: dict[str, Any]) -> Iterator[None]:
    """Keep every other run on this machine off *target* for as long as the block lasts; dies with the process.

    Raise `Locked`, which names the holder, and `LocalDisk`.
    """
    path = _lock_file(work_dir, target)
    try:
        with translate_os_errors(path, hint="Choose a folder that you may write to with --work-dir."):
            lock = acquire_lock(path, holder=json.dumps({"run": run_id, **holder}))
    except LockHeld as held:
        raise Locked(
            f"another run changes service {target.service_sid} now: {held.holder or 'its holder is unknown'}",
            hint="Wait for it, or stop it. Runs on other machines are not seen: let a scheduler run one at a time.",
        ) from None
    with lock:
        yield


def lock_holder(work_dir: Path, target: Target) -> str | None:
    """Return the id of the run that holds *target* now; None where none does."""
    path = _lock_file(work_dir, target)
    try:
        run: str | None = json.loads(path.read_text(encoding="utf-8")).get("run") if is_locked(path) else None
    except (OSError, ValueError, AttributeError):
        return None
    return run


def _lock_file(work_dir: Path, target: Target) -> Path:
    return work_dir / "locks" / f"{target.account_sid}-{target.service_sid}.lock"
