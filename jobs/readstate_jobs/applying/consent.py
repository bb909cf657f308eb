"""Ask every guard before anything is written; ask a person where one is there."""

import sys
from dataclasses import dataclass
from typing import Any

import click

from readstate.changes.plans.reader import Plan
from readstate.errors import ConsentMissing, GuardRefused, PlanUnusable, ReadstateError
from readstate.model.guards import Consent, Guard, GuardKind, evaluate, refusals
from readstate.text import pluralize
from readstate_jobs.applying.apply_options import ApplyWish
from readstate_jobs.applying.apply_output import guard_documents, show_refusal


@dataclass(frozen=True, slots=True)
class Asked:
    """What the guards say about a plan, and the error that follows; None where they let it pass."""

    guards: list[Guard]
    error: ReadstateError | None


def require_consent(plan: Plan, wish: ApplyWish, document: dict[str, Any], *, again: str, as_json: bool) -> ApplyWish:
    """Ask every guard about *plan*, note the answers in *document*, and give *wish* with what was agreed to meanwhile.

    Raises what follows where one refuses, after the plan was shown.
    """
    asked = ask_guards(plan, wish.as_consent(), again=again)
    document["guards"] = guard_documents(asked.guards)
    if asked.error is not None:
        if not as_json:
            show_refusal(plan, wish.as_consent())
        raise asked.error
    if all(guard.passed for guard in asked.guards):
        return wish
    # What a person typed is written down like what was said by a flag: for the audit, and for resuming.
    return ApplyWish(wish.consent | {"confirm_deletes": plan.manifest.guard_inputs.deletes}, wish.care)


def ask_guards(plan: Plan, consent: Consent, *, again: str) -> Asked:
    """Ask all guards about *plan*; missing consent may be given at a terminal. *again* is the command to repeat."""
    guards = evaluate(plan.manifest.guard_inputs, consent)
    refused = refusals(guards)
    if (
        [guard.name for guard in refused] == ["confirm-deletes"]
        and consent.confirm_deletes is None
        and _is_agreed(plan)
    ):
        return Asked(guards, None)
    return Asked(guards, _refusal(refused, consent, again) if refused else None)


def _refusal(refused: list[Guard], consent: Consent, again: str) -> ReadstateError:
    told = "; ".join(guard.message for guard in refused)
    kinds = {guard.kind for guard in refused}
    command = " ".join([again, *(guard.needs for guard in refused if guard.needs)])
    hint = f"Nothing was changed. Where that is meant:  {command}"
    agreed_to_another_number = GuardKind.CONSENT in kinds and consent.confirm_deletes is not None
    if GuardKind.LIMIT not in kinds and not agreed_to_another_number:
        return ConsentMissing(told, hint=hint)
    if [guard.name for guard in refused] == ["partial-plan"]:
        return PlanUnusable(told, hint=hint)
    return GuardRefused(told, hint=hint)


def _is_agreed(plan: Plan) -> bool:
    """Whether a person at the terminal types the very words; without a terminal nobody is asked."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    facts = plan.manifest.guard_inputs
    wanted = f"delete {facts.deletes}"
    click.echo(f"{pluralize(facts.deletes, 'member')} will be removed; that cannot be undone.", err=True)
    typed: str = click.prompt(f"To agree, type {wanted!r}", default="", show_default=False, err=True)
    return typed.strip() == wanted
