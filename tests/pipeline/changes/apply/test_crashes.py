"""Whatever a kill leaves behind, going on from it gives the state of one clean run."""

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from readstate.changes.runs.row_record import INTENT
from readstate.events import ApplyBegan
from readstate.model.outcome import Outcome
from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response
from tests.helpers.apply_bench import (
    Accident,
    Bench,
    Killed,
    WorldTransport,
    line,
    looking,
    lost_after_effect,
    lost_before_effect,
    state_of,
)
from tests.helpers.apply_plans import SHAPE, muting, plan_of, unmuted
from tests.helpers.planning import NOW
from tests.helpers.simulated_api import SimulatedApi


def doomed(kill_at: int, *, after_effect: bool) -> Accident:
    """Kill the process at its request number *kill_at*."""

    def happen(transport: WorldTransport, request: Request) -> Response | None:
        if len(transport.sent) == kill_at:
            if after_effect:
                transport.ask(request)
            raise Killed
        return None

    return happen


class TestCrashes:
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
    @given(
        kills=st.lists(st.tuples(st.integers(1, 45), st.booleans()), min_size=1, max_size=4), seed=st.integers(0, 9),
        loses=st.floats(0, 0.3),
    )  # fmt: skip
    async def test_whatever_prefix_of_a_journal_is_left_going_on_gives_the_state_of_one_clean_run(
        self, tmp_path_factory: pytest.TempPathFactory, kills: list[tuple[int, bool]], seed: int, loses: float
    ) -> None:
        bench = Bench(SimulatedApi(SHAPE, now=NOW, actions_per_second=0), tmp_path_factory.mktemp("crash"))
        rows = unmuted(bench, 18)
        lines = [line(row, op="delete") for row in rows[:6]] + muting(rows[6:])
        plan = await plan_of(bench, *lines)
        dice = random.Random(seed)
        before = len(bench.simulated.world.log.effects)

        def troubled(then: Accident) -> Accident:
            def happen(transport: WorldTransport, request: Request) -> Response | None:
                if request.method != "GET" and dice.random() < loses:
                    return dice.choice([lost_after_effect, lost_before_effect])(transport, request)
                return then(transport, request)

            return happen

        transport = WorldTransport(bench.simulated, troubled(doomed(kills[0][0], after_effect=kills[0][1])))
        directory, journal = bench.begin(plan)
        ending = await _until_killed(bench, plan, directory, journal, transport)
        for kill_at, after_effect in kills[1:]:
            if ending is not None:
                break
            ending = await _resumed(bench, plan, troubled(doomed(kill_at, after_effect=after_effect)))
        for _ in range(5):
            if ending is not None and not ending.resumable:
                break
            ending = await _resumed(bench, plan, lambda *_: None)

        assert ending is not None
        assert set(ending.counts) <= {Outcome.APPLIED, Outcome.CONVERGED}
        state = state_of(bench.simulated, rows)
        assert [value is None for value in state.values()] == [True] * 6 + [False] * 12
        assert {value[1] for value in state.values() if value is not None} == {"muted"}
        effects = bench.simulated.world.log.effects[before:]
        removed = Counter(effect.participant_sid for effect in effects if effect.kind == "participant.removed")
        assert max(removed.values()) == 1
        updated = Counter(effect.participant_sid for effect in effects if effect.kind == "participant.updated")
        assert max(updated.values()) == 1

    async def test_nothing_in_doubt_is_sent_again_before_it_was_read(self, bench: Bench) -> None:
        plan = await plan_of(bench, *muting(unmuted(bench, 6)))
        directory, journal = bench.begin(plan)
        transport = WorldTransport(bench.simulated, doomed(4, after_effect=True))
        assert await _until_killed(bench, plan, directory, journal, transport) is None
        with looking(directory) as left:
            doubtful = {record.plan_row_id for record in left.records(INTENT)}

        resumed = await bench.resume(plan)

        began = next(event for event in bench.events if isinstance(event, ApplyBegan) and event.epoch == 2)
        assert began.rows_in_doubt == len(doubtful) > 0
        paths = [(request.method, request.path) for request in resumed.transport.sent]
        first_write = next(at for at, (method, _) in enumerate(paths) if method == "POST")
        for number in doubtful:
            row = next(row for row in plan.rows() if row.plan_row_id == number)
            assert any(row.conversation_sid in path for _, path in paths[:first_write])


async def _until_killed(bench: Bench, plan: Any, directory: Any, journal: Any, transport: WorldTransport) -> Any:
    """The ending of a start, or None where it was killed: then nothing more reaches the disk."""
    try:
        ending = await bench.go(plan, directory, journal, transport)
    except Killed:
        return None
    finally:
        journal.close()
    return ending


async def _resumed(bench: Bench, plan: Any, accident: Accident) -> Any:
    try:
        return (await bench.resume(plan, accident)).result
    except Killed:
        return None
