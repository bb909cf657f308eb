"""The options of ``readstate mark-read``, parsed and checked before anything is sent."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from readstate.changes.selection.conditions import CLOSED, OPEN_STATES, Conditions, MarkAction
from readstate.changes.selection.exclusions import Exclusions
from readstate.errors import BadInput, Usage
from readstate.model.desired import NotificationLevel
from readstate.model.quantities import parse_date, parse_duration
from readstate.snapshot.roster.selection import RosterEntry
from readstate.snapshot.roster.users_file import read_users_file
from readstate.text import format_moment
from readstate_jobs.cli.options import require_service_sid
from readstate_jobs.mark_read.exclude_file import read_exclusions
from readstate_jobs.output.messages import command_line

_STATES = OPEN_STATES | {CLOSED}
_AGE = re.compile("[0-9]{1,5}[hd]")
_MOMENT = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})")


class MarkReadOptions(Struct, frozen=True, kw_only=True):
    """Whose conversations, which of them, and the change to make to them."""

    users: tuple[RosterEntry, ...] | None
    """None for all users of the service."""
    service: str | None
    conditions: Conditions
    """As asked for: with users as written in files, and without the moment that *unchanged_for* stands for."""
    unchanged_for: timedelta | None
    action: MarkAction

    def conditions_at(self, now: datetime, excluded: Exclusions) -> Conditions:
        """Return the conditions at *now* by the server's clock, with the users of *excluded* named by SID."""
        limit = self.conditions.updated_before if self.unchanged_for is None else now - self.unchanged_for
        return replace(self.conditions, updated_before=limit, excluded=excluded)

    def recorded(self, conditions: Conditions) -> dict[str, Any]:
        """Return what was asked for, for the plan's manifest; an option that was not given is missing."""
        excluded, limit = conditions.excluded, conditions.updated_before
        asked = {
            "users": None if self.users is None else len(self.users),
            "states": sorted(conditions.states),
            "unread_at_least": conditions.unread_at_least,
            "muted": conditions.muted or None,
            "conversation_updated_before": None if limit is None else format_moment(limit),
            "excluded": len(excluded.users) + len(excluded.conversations) + len(excluded.memberships) or None,
            "include_never_read": self.action.never_read_too or None,
            "set_notification_level": self.action.level,
            "keep_unread": not self.action.read or None,
        }
        return {name: value for name, value in asked.items() if value is not None}


def parse_options(
    *,
    users_file: str | None,
    all_users: bool,
    service: str | None,
    states: str,
    unread_at_least: int | None,
    muted: bool,
    updated_before: str | None,
    exclude_file: str | None,
    never_read_too: bool,
    mute: bool,
    unmute: bool,
    keep_unread: bool,
) -> MarkReadOptions:
    """Return the options of the command line, checked before anything is sent. Raises `Usage`, `BadInput`."""
    level = _level(mute=mute, unmute=unmute)
    _require_consistent(users_file, all_users=all_users, level=level, keep_unread=keep_unread)
    require_service_sid(service)
    age = None if updated_before is None else parse_age_or_date(updated_before)
    return MarkReadOptions(
        users=None if users_file is None else _users(users_file, service),
        service=service,
        conditions=Conditions(
            states=_states(states),
            unread_at_least=unread_at_least,
            muted=muted,
            updated_before=age if isinstance(age, datetime) else None,
            excluded=_excluded(exclude_file),
        ),
        unchanged_for=age if isinstance(age, timedelta) else None,
        action=MarkAction(read=not keep_unread, never_read_too=never_read_too, level=level),
    )


def parse_age_or_date(text: str) -> datetime | timedelta:
    """Return ``30d`` as a duration, ``2026-10-24`` as the first moment of that day in UTC. Raises `BadInput`."""
    if _AGE.fullmatch(text):
        return timedelta(seconds=parse_duration(text))
    try:
        if _MOMENT.fullmatch(text):
            return datetime.fromisoformat(text).astimezone(UTC)
        return datetime.combine(parse_date(text), time(), UTC)
    except (BadInput, ValueError, OverflowError):
        raise BadInput(
            f"{text!r} is neither an age nor a date",
            hint="Write 30d or 12h, a date such as 2026-10-24, or a moment with its offset: 2026-10-24T18:00:00Z.",
        ) from None


def _require_consistent(
    users_file: str | None, *, all_users: bool, level: NotificationLevel | None, keep_unread: bool
) -> None:
    if users_file is not None and all_users:
        raise Usage("--users and --all exclude each other; use one of them")
    if users_file is None and not all_users:
        raise Usage(
            "--users or --all is missing",
            hint="Use --users FILE, or --all for all users of the service.",
        )
    if keep_unread and level is None:
        raise Usage("--keep-unread leaves nothing to do", hint="It goes with --mute or --unmute.")


def _level(*, mute: bool, unmute: bool) -> NotificationLevel | None:
    if mute and unmute:
        raise Usage("--mute and --unmute exclude each other; use one of them")
    if mute:
        return "muted"
    return "default" if unmute else None


def _users(name: str, service: str | None) -> tuple[RosterEntry, ...]:
    entries = read_users_file(name, warn=command_line().print_message)
    others: Sequence[RosterEntry] = [entry for entry in entries if entry.service not in {None, service}]
    if others:
        raise BadInput(
            f"{name}: line {others[0].line} names the service {others[0].service}, and a plan is for one service",
            hint=f"Use --service {others[0].service} and the users of that service, one run for each.",
        )
    return entries


def _excluded(name: str | None) -> Exclusions:
    return Exclusions() if name is None else read_exclusions(name, warn=command_line().print_message)


def _states(text: str) -> frozenset[str]:
    states = frozenset(state.strip() for state in text.split(",") if state.strip())
    if not states or not states <= _STATES:
        raise BadInput(
            f"--state {text}: {', '.join(sorted(states - _STATES)) or 'nothing'} is not a state of a conversation",
            hint="There are active, inactive and closed; separate them by commas.",
        )
    return states
