"""Changes files for a simulated service, and what its effect log must say after they were applied."""

import csv
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from readstate.changes.plans.reader import Plan
from readstate.changes.runs.journal import open_read_only
from readstate.simulator.api.behaviour import Behaviour
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import RunningSimulator, running
from readstate.simulator.world.effect_log import Effect
from readstate.simulator.world.world import World

OUR_KINDS = {"participant.updated", "participant.removed"}


@contextmanager
def unwatched(*, users: int, services: int) -> Iterator[RunningSimulator]:
    """A simulator whose users do nothing themselves, so that nothing changes but what a command changes."""
    world = World(WorldShape(users=users, services=services, heaviest=30, odd_identities=0.0))
    with running(world, behaviour=Behaviour(actions_per_second=0)) as simulator:
        yield simulator


def consent(plan: Plan) -> list[str]:
    """The flags that let *plan* pass every guard."""
    facts = plan.manifest.guard_inputs
    if not facts.deletes:
        return []
    return [
        "--confirm-deletes", str(facts.deletes), "--max-deletes", str(facts.deletes), "--allow-user-wipeout",
        "--max-deletes-per-conversation", str(facts.most_deletes_in_one_conversation),
    ]  # fmt: skip


def mixed_lines(twilio: RunningSimulator, *, updates: int, removals: int, seed: int = 7) -> list[dict[str, Any]]:
    """Lines that advance horizons by one, mute, or remove; each about another membership."""
    rows = [row for row in twilio.oracle.every_user_conversation() if row["conversation_state"] == "active"]
    service = twilio.world.default_service.sid
    rows = [row for row in rows if row["chat_service_sid"] == service and row["notification_level"] == "default"]
    random.Random(seed).shuffle(rows)
    lines: list[dict[str, Any]] = []
    for row in rows:
        if len(lines) == updates:
            break
        key = {"user": row["user_sid"], "conversation": row["conversation_sid"], "op": "update"}
        if row["last_read_message_index"] is not None and (row["unread_messages_count"] or 0) > 2:
            lines.append(key | {"last_read_message_index": row["last_read_message_index"] + 1})
        elif len(lines) % 2:
            lines.append(key | {"notification_level": "muted"})
    taken = {(line["user"], line["conversation"]) for line in lines}
    left = [row for row in rows if (row["user_sid"], row["conversation_sid"]) not in taken]
    lines += [
        {"user": row["user_sid"], "conversation": row["conversation_sid"], "op": "delete"} for row in left[:removals]
    ]
    assert len(lines) == updates + removals, len(lines)
    return lines


def settled_state(twilio: RunningSimulator, plan: Plan) -> dict[int, Any]:
    """Where every row of *plan* stands in the world; None where the member is gone."""
    world = {(row["user_sid"], row["conversation_sid"]): row for row in twilio.oracle.every_user_conversation()}
    state = {}
    for row in plan.rows():
        now = world.get((row.user_sid or "", row.conversation_sid or ""))
        state[row.plan_row_id] = now and (now["last_read_message_index"], now["notification_level"])
    return state


def wanted_state(twilio: RunningSimulator, plan: Plan) -> dict[int, Any]:
    """Where one clean run would bring every row, from where things stand now."""
    state = settled_state(twilio, plan)
    for row in plan.rows():
        if row.disposition == "delete":
            state[row.plan_row_id] = None
        elif row.disposition == "update":
            index, level = state[row.plan_row_id]
            state[row.plan_row_id] = (row.set_index if row.set_index is not None else index, row.set_level or level)
    return state


def assert_one_clean_run(twilio: RunningSimulator, plan: Plan, wanted: dict[int, Any], run_dir: Path) -> None:
    """Require the state that one clean run brings, no member removed twice and none written twice."""
    assert settled_state(twilio, plan) == wanted
    effects = twilio.effects()
    for kind in OUR_KINDS:
        assert max(Counter(effect.participant_sid for effect in effects if effect.kind == kind).values()) == 1
    assert_agreement(plan, run_dir, effects)


def assert_agreement(plan: Plan, run_dir: Path, effects: list[Effect]) -> Counter[str]:
    """Hold effect log, journal and results of a run against each other, row by row; give the outcomes.

    No horizon may have gone back, but where another client moved it on inside the window between our reading and our
    writing that the results publish: those are counted as ``raced``. Twilio offers no way to exclude them. *effects*
    has to begin before the plan.
    """
    import pyarrow.parquet as pq

    ours = [effect for effect in effects if effect.kind in OUR_KINDS and effect.actor != "live client"]
    by_member: dict[str, list[Effect]] = {}
    for effect in ours:
        by_member.setdefault(effect.participant_sid or "", []).append(effect)
    others: dict[str | None, list[Effect]] = {}
    for effect in effects:
        if effect.actor == "live client":
            others.setdefault(effect.participant_sid, []).append(effect)
    results = {line["plan_row_id"]: line for line in pq.read_table(run_dir / "results.parquet").to_pylist()}
    with open(run_dir / "results.csv", newline="", encoding="utf-8") as file:  # noqa: PTH123
        assert [int(line["plan_row_id"]) for line in csv.DictReader(file)] == sorted(results)
    journal = open_read_only(run_dir / "journal.sqlite")
    records = {record.plan_row_id: record for record in journal.records()}
    journal.close()
    outcomes: Counter[str] = Counter()
    for row in plan.rows():
        line = results.pop(row.plan_row_id)
        outcomes[line["outcome"]] += 1
        effects_here = by_member.pop(row.participant_sid or "", [])
        record = records.get(row.plan_row_id)
        if record is not None:
            assert line["outcome"] == record.state, row
        if line["outcome"] == "applied":
            assert len(effects_here) == 1, (row, effects_here)
            if _assert_effect(row, effects_here[0]):
                _assert_raced(line, effects_here[0], others.get(row.participant_sid, []))
                outcomes["raced"] += 1
        elif line["outcome"] in {"converged", "drifted", "cancelled", "not_planned", "not_found", "rejected"}:
            assert effects_here == [], (line, effects_here)
        else:
            assert len(effects_here) <= 1, (line, effects_here)
    assert results == {}
    assert by_member == {}, "a membership was written that is not in the plan"
    return outcomes


def _assert_effect(row: Any, effect: Effect) -> bool:
    """Whether *effect*, which must be what *row* wanted, moved a horizon back."""
    if row.disposition == "delete":
        assert effect.kind == "participant.removed"
        return False
    assert effect.kind == "participant.updated"
    before, after = effect.before or {}, effect.after or {}
    if row.set_level is not None:
        assert after["notification_level"] == row.set_level
    if row.set_index is None:
        return False
    assert after["last_read_message_index"] == row.set_index
    earlier = before["last_read_message_index"]
    return earlier is not None and earlier > row.set_index  # type: ignore[operator]


def _assert_raced(line: Any, effect: Effect, others: list[Effect]) -> None:
    last = max((other.at for other in others if other.sequence < effect.sequence), default=0.0)
    ago = 1000 * (effect.at - last)
    # One more millisecond: the effect log and the window are measured by two clocks.
    assert ago <= line["race_window_ms"] + 1, f"moved back {ago:.1f} ms after another client moved it on: {line}"
