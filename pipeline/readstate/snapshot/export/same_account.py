"""One run, and one root, hold what one account has: another account, or another default service, is refused."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from readstate.errors import BadInput
from readstate.snapshot.published.snapshot_store import SnapshotStore

_WORDS = {"account": "account", "default_service": "the default service"}


def require_same_account(store: SnapshotStore, day: date, account: Mapping[str, Any]) -> None:
    """Raise `BadInput` where the newest snapshot of *store*, or that of *day*, is of another *account*.

    It is as `ExportOptions.account` returns it; what a manifest does not tell is not compared.
    """
    for known in {day, *store.dates()[-1:]}:
        manifest = store.manifest(known)
        if manifest is None:
            continue
        default = None if manifest.roster is None else manifest.roster.default_service
        held = {"account": manifest.account_sid, "default_service": default}
        for name in _different(held, account):
            raise BadInput(
                f"{store.root}: the snapshot of {known} is of {_WORDS[name]} {held[name]}, and this run would read"
                f" {account[name]}",
                hint="Give each account, and each default service, a root of its own: --out ANOTHER_ROOT. Or use the"
                " credentials of that account.",
            )


def require_same_run(begun_with: Mapping[str, Any], account: Mapping[str, Any], *, day: date) -> None:
    """Raise `BadInput` where the unfinished export of *day* was begun with another *account*."""
    for name in _different(begun_with, account):
        raise BadInput(
            f"the unfinished export of {day} reads {_WORDS[name]} {begun_with[name]}; with these credentials, it would"
            f" go on with {account[name]}",
            hint="Use the credentials that it was begun with to resume it, or add --restart to start over.",
        )


def _different(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    return [name for name in _WORDS if None not in {one.get(name), other[name]} and one[name] != other[name]]
