"""The lock that keeps two runs on one machine from changing the same service."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from readstate.disk.files import create_private_folder, require_unshared, translate_os_errors
from readstate.disk.locks import LockHeld, acquire_lock, is_locked, machine_lock
from readstate.errors import Locked
from readstate.model.plan import Target


@contextmanager
def target_lock(work_dir: Path, target: Target, *, run_id: str, holder: dict[str, Any]) -> Iterator[bool]:
    """Keep every other run on this machine off *target* for as long as the block lasts; dies with the process.

    Yield whether runs with other work folders are kept off too. Raise `Locked`, which names the holder, and
    `LocalDisk`.
    """
    path = _lock_file(work_dir, target)
    require_unshared(work_dir, path.parent)
    try:
        with translate_os_errors(path, hint="Choose a folder that you may write to with --work-dir."):
            create_private_folder(path.parent)
            lock = acquire_lock(path, holder=json.dumps({"run": run_id, **holder}))
    except LockHeld as held:
        raise _locked(target, held.holder) from None
    with lock, ExitStack() as stack:
        try:
            sees_machine = stack.enter_context(machine_lock(_machine_name(target)))
        except LockHeld as held:
            raise _locked(target, f"{held.holder or 'its holder is unknown'}, with another work folder") from None
        yield sees_machine


def lock_holder(work_dir: Path, target: Target) -> str | None:
    """Return the id of the run that holds *target* now; None where none does."""
    path = _lock_file(work_dir, target)
    try:
        run: str | None = json.loads(path.read_text(encoding="utf-8")).get("run") if is_locked(path) else None
    except (OSError, ValueError, AttributeError):
        return None
    return run


def _locked(target: Target, holder: str) -> Locked:
    return Locked(
        f"another run changes service {target.service_sid} now: {holder or 'its holder is unknown'}",
        hint="Wait for it, or stop it. Runs on other machines are not seen: let a scheduler run one at a time.",
    )


def _lock_file(work_dir: Path, target: Target) -> Path:
    # A target may come from a damaged file: whatever it holds stays one name.
    name = quote(f"{target.account_sid}-{target.service_sid}", safe="")
    return work_dir / "locks" / f"{name}.lock"


def _machine_name(target: Target) -> str:
    """Return a name for *target* that is short enough for a socket."""
    host = urlsplit(target.base_url).hostname or ""
    # All of Twilio's addresses lead to the same account; every simulator has accounts of its own.
    place = "twilio.com" if host.endswith(".twilio.com") else target.base_url
    return sha256(f"{place} {target.account_sid} {target.service_sid}".encode()).hexdigest()
