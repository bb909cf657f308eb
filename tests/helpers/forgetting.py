"""Plans and runs with personal data to forget."""

from pathlib import Path

from readstate.changes.plans.reader import Plan
from tests.helpers.apply_commands import apply
from tests.helpers.bulk_changes import mixed_lines
from tests.helpers.cli_shell import Shell

MARK = "4711-somebody"


def planned(shell: Shell, seed: int = 7) -> Plan:
    lines = mixed_lines(shell.twilio, updates=4, removals=1, seed=seed)
    return shell.plan([line | {"note": MARK, "row_key": MARK} for line in lines])


def applied(shell: Shell, plan: Plan) -> Path:
    return Path(apply(shell, plan).document["run_dir"])
