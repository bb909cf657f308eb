"""The sentences about a selection, for plans of `mark-read`."""

from collections.abc import Iterator

import msgspec

from readstate.changes.render.summary import Summary
from readstate.model.plan import SELECTION, Audience, SelectionFacts
from readstate.text import escape_control, group_digits

REASONS = {
    "excluded": "excluded",
    "closed": "closed",
    "other_state": "in another state",
    "not_muted": "not muted",
    "updated_since": "updated since",
    "fewer_unread": "fewer unread or not counted",
    "never_read": "never read (--include-never-read)",
    "nothing_unread": "nothing unread",
    "level_is_so": "notification level already set",
}
"""Reasons in words; an unknown one stands for itself."""


def selection(summary: Summary) -> Iterator[tuple[str, str]]:
    """Return each sentence with its title; none where the plan was made from a changes file."""
    remembered = summary.manifest.options.get(SELECTION)
    if remembered is None:
        return
    facts = msgspec.convert(remembered, SelectionFacts)
    yield "Filter", "; ".join(_conditions(facts))
    yield (
        "Matched",
        (
            f"{group_digits(facts.selected)} of {group_digits(facts.rows)} memberships of"
            f" {group_digits(facts.users)} users{_missing(facts)}"
        ),
    )
    if facts.left_out:
        yield (
            "Skipped",
            "; ".join(f"{REASONS.get(name, name)} {group_digits(count)}" for name, count in facts.left_out.items()),
        )
    yield "Affects", _affects(facts.audience)


def _conditions(facts: SelectionFacts) -> Iterator[str]:
    for name, value in facts.conditions.items():
        shown = ", ".join(value) if isinstance(value, list) else str(value)
        yield name.replace("_", " ") if value is True else f"{name.replace('_', ' ')} {escape_control(shown)}"


def _missing(facts: SelectionFacts) -> str:
    missing = (
        ("vanished", facts.users_vanished),
        ("unknown", facts.users_unknown),
        ("could not be read", facts.users_failed),
    )
    return "".join(f", {group_digits(count)} {what}" for what, count in missing if count)


def _affects(audience: Audience) -> str:
    online = "" if audience.online is None else f" ({group_digits(audience.online)} online now)"
    return (
        f"{group_digits(audience.users)} users{online} and other members of {group_digits(audience.conversations)}"
        " conversations: their apps update immediately"
    )
