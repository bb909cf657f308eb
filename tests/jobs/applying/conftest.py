"""A simulator, and a plan of 12 updates and 4 removals."""

from collections.abc import Iterator

import pytest

from readstate.changes.plans.reader import Plan
from readstate.simulator.server.server import RunningSimulator
from tests.helpers.bulk_changes import mixed_lines, unwatched
from tests.helpers.cli_shell import Shell


@pytest.fixture
def twilio() -> Iterator[RunningSimulator]:
    with unwatched(users=120, services=2) as simulator:
        yield simulator


@pytest.fixture
def plan(shell: Shell) -> Plan:
    return shell.plan(mixed_lines(shell.twilio, updates=12, removals=4))
