"""Guards: safety checks of a plan, each of which a person can waive by name. Pure."""

from collections.abc import Iterator
from enum import StrEnum

import msgspec
from msgspec import Struct

from readstate.text import group_digits, pluralize

MAX_DELETES = 1_000
MAX_DELETES_PER_CONVERSATION = 10
MAX_ROWS = 1_000_000
MAX_MISSING_PERCENT = 20.0
SMALLEST_COUNT_FOR_PERCENT = 10
"""A percentage needs a floor, or one wrong row of three would always be too much; half of the rows or more is."""
MAX_EXAMPLES = 20
"""How many users and conversations a manifest names; the counts beside them are complete."""


class UserDeletes(msgspec.Struct, frozen=True):
    """A user who would lose *deletes* of at least *conversations* conversations."""

    user_sid: str
    deletes: int
    conversations: int
    """All of them where a loss of all is said; otherwise as many as had to be seen to decide."""


class ConversationDeletes(msgspec.Struct, frozen=True):
    """A conversation that would lose *deletes* members."""

    conversation_sid: str
    deletes: int


class GuardInputs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The facts of a plan that guards check, counted while it was made."""

    rows: int
    updates: int
    deletes: int
    not_found: int
    read_errors: int
    not_fully_undoable: int
    """Changes that cannot be undone, or only in part."""
    wiped_out_users: int
    """Users who would lose more than half of four or more conversations, or all of them."""
    wiped_out_examples: tuple[UserDeletes, ...]
    most_deletes_in_one_conversation: int
    emptied_examples: tuple[ConversationDeletes, ...]
    """The conversations with the most planned deletes, largest first, above the default limit."""


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """What a person has consented to, by flag or at a prompt; nothing by default."""

    confirm_deletes: int | None = None
    max_deletes: int = MAX_DELETES
    max_deletes_per_conversation: int = MAX_DELETES_PER_CONVERSATION
    allow_user_wipeout: bool = False
    allow_missing_percent: float = MAX_MISSING_PERCENT
    allow_partial_plan: bool = False
    max_rows: int = MAX_ROWS


class GuardKind(StrEnum):
    """Consent can be given at a prompt; a limit has to be raised by name."""

    CONSENT = "consent"
    LIMIT = "limit"


class Guard(Struct, frozen=True, kw_only=True):
    """The result of one guard for one plan."""

    name: str
    kind: GuardKind
    passed: bool
    message: str
    needs: str | None
    """The flag that would let it pass; None where it passes."""


def evaluate(facts: GuardInputs, consent: Consent) -> list[Guard]:
    """Evaluate every guard; return those that apply to this plan."""
    return list(_answers(facts, consent))


def refusals(guards: list[Guard]) -> list[Guard]:
    """Return the guards that refuse."""
    return [guard for guard in guards if not guard.passed]


def is_wiped_out(deletes: int, conversations: int) -> bool:
    """Whether a user with *conversations* would be as good as wiped out by *deletes*."""
    return deletes > 0 and (deletes >= conversations or (conversations >= 4 and deletes * 2 > conversations))


def _answers(facts: GuardInputs, consent: Consent) -> Iterator[Guard]:
    if facts.deletes or consent.confirm_deletes is not None:
        yield _confirmed_deletes(facts, consent)
    if facts.deletes:
        yield _guard(
            "max-deletes",
            passed=facts.deletes <= consent.max_deletes,
            message=f"{pluralize(facts.deletes, 'removal')}; at most {group_digits(consent.max_deletes)} are allowed",
            needs=f"--max-deletes {facts.deletes}",
        )
        yield _guard(
            "deletes-per-conversation",
            passed=facts.most_deletes_in_one_conversation <= consent.max_deletes_per_conversation,
            message=f"up to {pluralize(facts.most_deletes_in_one_conversation, 'removal')} in one conversation"
            + _named(facts.emptied_examples),
            needs=f"--max-deletes-per-conversation {facts.most_deletes_in_one_conversation}",
        )
    if facts.wiped_out_users:
        yield _guard(
            "user-wipeout",
            passed=consent.allow_user_wipeout,
            message=_wipeout(facts),
            needs="--allow-user-wipeout",
        )
    if facts.not_found:
        yield _missing(facts, consent)
    if facts.read_errors:
        yield _guard(
            "partial-plan",
            passed=consent.allow_partial_plan,
            message=f"{pluralize(facts.read_errors, 'row')} could not be read: not covered by this plan",
            needs="--allow-partial-plan",
        )
    executable = facts.updates + facts.deletes
    yield _guard(
        "max-rows",
        passed=executable <= consent.max_rows,
        message=f"{pluralize(executable, 'row')} to change; at most {group_digits(consent.max_rows)} are allowed",
        needs=f"--max-rows {executable}",
    )


def _confirmed_deletes(facts: GuardInputs, consent: Consent) -> Guard:
    said = "not confirmed" if consent.confirm_deletes is None else f"{consent.confirm_deletes} were confirmed"
    return _guard(
        "confirm-deletes",
        kind=GuardKind.CONSENT,
        passed=consent.confirm_deletes == facts.deletes,
        message=f"{pluralize(facts.deletes, 'removal')}, which cannot be undone: {said}",
        needs=f"--confirm-deletes {facts.deletes}",
    )


def _missing(facts: GuardInputs, consent: Consent) -> Guard:
    percent = 100 * facts.not_found / facts.rows
    few = facts.not_found < SMALLEST_COUNT_FOR_PERCENT and percent < 50
    wrong = percent > consent.allow_missing_percent and not few
    if wrong:
        judged = ": is this the right service and account?"
    elif percent > consent.allow_missing_percent:
        judged = f"; a share counts from {SMALLEST_COUNT_FOR_PERCENT} rows, or from half of all"
    else:
        judged = f"; up to {consent.allow_missing_percent:g} % are allowed"
    return _guard(
        "missing",
        passed=not wrong,
        message=f"{facts.not_found} of {pluralize(facts.rows, 'row')} ({percent:.1f} %) were not found{judged}",
        needs=f"--allow-missing {min(100, int(percent) + 1)}",
    )


def _wipeout(facts: GuardInputs) -> str:
    named = ", ".join(
        f"{loss.user_sid} {loss.deletes} of {loss.conversations}" for loss in facts.wiped_out_examples[:3]
    )
    users = pluralize(facts.wiped_out_users, "user")
    return f"{users} would lose most or all conversations: {named}" + (" …" if facts.wiped_out_users > 3 else "")


def _named(losses: tuple[ConversationDeletes, ...]) -> str:
    return "".join(f", {loss.conversation_sid} {loss.deletes}" for loss in losses[:3])


def _guard(name: str, *, passed: bool, message: str, needs: str, kind: GuardKind = GuardKind.LIMIT) -> Guard:
    return Guard(name=name, kind=kind, passed=passed, message=message, needs=None if passed else needs)
