"""Ask every guard before anything is written; ask a person where one is there."""

import sys
from dataclasses import dataclass

import click

from pipeline.changes.plan_file import Plan
from pipeline.errors import ConsentMissing, GuardRefused, PlanUnusable, ReadstateError
from pipeline.model.guards import Consent, Guard, GuardKind, evaluate, refusals


@dataclass(frozen=True, slots=True)
class Asked:
    """What the guards say about a plan, and the error that follows; None where they let it pass."""

    guards: list[Guard]
    error: ReadstateError | None


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
    needs = " ".join(guard.needs for guard in refused if guard.needs)
    hint = f"Nothing was changed. Where that is meant:  {again} {needs}"
    if all(guard.kind is GuardKind.CONSENT for guard in refused) and consent.confirm_deletes is None:
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
    click.echo(f"{facts.deletes} members will be removed; that cannot be undone.", err=True)
    typed: str = click.prompt(f"To agree, type {wanted!r}", default="", show_default=False, err=True)
    return typed.strip() == wanted
