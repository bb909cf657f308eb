"""Check the guards of a plan before anything is written, and ask for missing consent at a terminal."""

import sys
from typing import Any

import click
import msgspec

from readstate.changes.plans.reader import Plan
from readstate.errors import ConsentMissing, GuardRefused, PlanUnusable, ReadstateError
from readstate.model.guards import Consent, Guard, GuardKind, evaluate, refusals
from readstate.text import pluralize
from readstate_jobs.applying.apply_options import ApplyArguments
from readstate_jobs.applying.apply_output import show_refusal


def require_consent(
    plan: Plan, arguments: ApplyArguments, document: dict[str, Any], *, again: str, as_json: bool
) -> ApplyArguments:
    """Check every guard of *plan* and add the answers to *document*; *again* is the command to repeat.

    Return *arguments*, with the consent that was typed at the terminal. Raise `ConsentMissing`, `PlanUnusable` or
    `GuardRefused` after the plan was shown.
    """
    consent = arguments.to_consent()
    guards = evaluate(plan.manifest.guard_inputs, consent)
    document["guards"] = msgspec.to_builtins(guards)
    refused = refusals(guards)
    if not refused:
        return arguments
    only_deletes = [guard.name for guard in refused] == ["confirm-deletes"]
    if only_deletes and consent.confirm_deletes is None and confirm_removals(plan):
        # Recorded like the flag: for the audit, and for resuming.
        deletes = plan.manifest.guard_inputs.deletes
        return ApplyArguments(arguments.consent | {"confirm_deletes": deletes}, arguments.options)
    if not as_json:
        show_refusal(plan, consent)
    raise _refusal(refused, consent, again)


def _refusal(refused: list[Guard], consent: Consent, again: str) -> ReadstateError:
    message = "; ".join(guard.message for guard in refused)
    kinds = {guard.kind for guard in refused}
    command = " ".join([again, *(guard.needs for guard in refused if guard.needs)])
    hint = f"Nothing was changed. To allow it:  {command}"
    confirmed_another_number = GuardKind.CONSENT in kinds and consent.confirm_deletes is not None
    if GuardKind.LIMIT not in kinds and not confirmed_another_number:
        return ConsentMissing(message, hint=hint)
    if [guard.name for guard in refused] == ["partial-plan"]:
        return PlanUnusable(message, hint=hint)
    return GuardRefused(message, hint=hint)


def confirm_removals(plan: Plan) -> bool:
    """Return whether the user types the words that confirm the removals; False without a terminal."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    facts = plan.manifest.guard_inputs
    wanted = f"delete {facts.deletes}"
    click.echo(f"{pluralize(facts.deletes, 'member')} will be removed; that cannot be undone.", err=True)
    typed: str = click.prompt(f"To confirm, type {wanted!r}", default="", show_default=False, err=True)
    return typed.strip() == wanted
