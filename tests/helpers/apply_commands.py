"""Commands that apply a plan at once."""

from typing import Any

from readstate.changes.plans.reader import Plan
from tests.helpers.bulk_changes import consent
from tests.helpers.cli_shell import Shell

HASTE = ("--settle", "0.05,0.1", "--canary", "3")


def apply(shell: Shell, plan: Plan, *more: str) -> Any:
    return shell.call("apply", str(plan.directory), "--json", *consent(plan), *HASTE, *more)
