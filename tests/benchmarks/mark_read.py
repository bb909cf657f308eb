"""What mark-read costs by the size of conversations, and a large world in which other people go on reading meanwhile.

    python -m tests.benchmarks.mark_read members [ROWS]     requests per marked row, against three for one row at a time
    python -m tests.benchmarks.mark_read live [USERS [OPTION…]]  plan, apply beside a live client: what went back?

The simulator has no latency and no cap on actions, so that the figures are about requests and not about waiting.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from readstate.simulator.api.behaviour import Behaviour
from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import RunningSimulator, running
from readstate.simulator.world.effect_log import Effect
from readstate.simulator.world.world import World
from tests.helpers.repository import ROOT

NAIVE_REQUESTS = 3
"""For each row: read it, ask for the newest message, write."""
ANSWER_SECONDS = 0.05
"""The race window begins when the answer to our reading has come; it was true when Twilio sent it."""
Member = tuple[str | None, str | None]
NO_WAITING = Behaviour(actions_per_second=0)


@dataclass(frozen=True)
class Typed:
    """One command and what it took."""

    code: int
    document: dict[str, Any]
    requests: int
    seconds: float


def readstate(twilio: RunningSimulator, folder: Path, *arguments: str) -> Typed:
    """Run the command as a process of its own."""
    twilio.reset_counters()
    began = time.perf_counter()
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TWILIO_API_KEY": twilio.credentials.api_key,
        "TWILIO_API_SECRET": twilio.credentials.api_secret,
        "READSTATE_BASE_URL": twilio.base_url,
        "READSTATE_WORK_DIR": str(folder / "work"),
        "READSTATE_WRITES_PER_SECOND": "5000",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "readstate_jobs", *arguments, "--json"]
    done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, check=False)
    if not done.stdout.startswith("{"):
        raise SystemExit(f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")
    seconds = time.perf_counter() - began
    return Typed(done.returncode, json.loads(done.stdout), twilio.counters().requests, seconds)


def people(members: int, rows: int, each: int) -> World:
    """A world of *rows* unread memberships, *each* of a user, in conversations of so many *members*."""
    users = max(members, rows // each)
    world = World(WorldShape(users=users, conversations_per_user=0, heaviest=0, odd_identities=0))
    service = world.default_service
    editor = world.edit(service, actor="beginning")
    everybody = list(service.users())
    for number in range(rows // members):
        conversation = editor.create_conversation()
        for place in range(members):
            user = everybody[(number * members + place) % users]
            new = editor.add_participant(conversation, user)
            editor.update_participant(conversation, new, new._replace(last_read_message_index=0))
        for text in ("one", "two", "three"):
            found = service.find_conversation(conversation.sid)
            assert found is not None
            editor.add_message(found, author=None, body=text)
    return world


def members(rows: int = 1_000, each: int = 5) -> None:
    """Print requests per marked row for conversations of 1, 10 and 100 members."""
    print(f"{rows} rows, {each} of each user; one at a time: {NAIVE_REQUESTS} requests a row")
    print(f"{'members':>7} {'rows':>6} {'plan':>6} {'apply':>6} {'verify':>6} {'all':>6}   requests a row")
    for size in (1, 10, 100):
        with (
            tempfile.TemporaryDirectory() as name,
            running(people(size, rows, each), behaviour=NO_WAITING) as twilio,
        ):
            folder = Path(name)
            plan = readstate(twilio, folder, "mark-read", "--all")
            marked = plan.document["counts"]["update"]
            assert marked == rows, plan.document
            apply = readstate(twilio, folder, "apply", plan.document["plan_dir"], "--verify", "none", "--canary", "0")
            written = _written(twilio.effects())
            assert len(written) == rows, apply.document
        verify = -(-rows // 100)
        costs = [plan.requests / rows, apply.requests / rows, verify / rows]
        print(f"{size:>7} {rows:>6} " + " ".join(f"{cost:>6.2f}" for cost in [*costs, sum(costs)]))


def live(users: int = 20_000, *options: str) -> None:
    """Plan and apply in two worlds whose users read on, *options* going to apply.

    Between our reading and our writing of a row its user may read on, and no API of Twilio prevents it: the results
    tell that time for each row. Fails where a horizon went back although nobody had read on within it.
    """
    unexplained = 0
    for who, read_on_after_fetch in (("anywhere, at random", 0.0), ("also right after we looked, in 2 of 100", 0.02)):
        print(f"people read on {who}")
        unexplained += _beside_a_live_client(users, read_on_after_fetch, options)
    if unexplained:
        raise SystemExit(f"FAILED: {unexplained} horizons went back outside the race window")
    print("passed: no horizon went back outside the race window")


def _beside_a_live_client(users: int, read_on_after_fetch: float, options: Sequence[str]) -> int:
    faults = Faults(
        concurrency_cap=None,
        live_moves_per_second=100,
        live_after_fetch_share=read_on_after_fetch,
        live_message_share=0.02,
        live_removal_share=0.0005,
    )
    world = World(WorldShape(users=users))
    with tempfile.TemporaryDirectory() as name, running(world, faults=faults, behaviour=NO_WAITING) as twilio:
        folder = Path(name)
        plan = readstate(twilio, folder, "mark-read", "--all")
        selection = plan.document["selection"]
        print(f"  plan: {selection['users']} users, {selection['rows']} rows, {selection['selected']} selected")
        print(f"    left out {selection['left_out']}; seen by {selection['audience']}")
        print(
            f"    {plan.requests} requests in {plan.seconds:.1f} s; {plan.document['counts']['update']} rows to change"
        )
        planned = len(twilio.effects())
        assert not _written(twilio.effects()), "planning wrote something"
        apply = readstate(twilio, folder, "apply", plan.document["plan_dir"], "--max-drift", "50%", *options)
        effects = twilio.effects()
        windows = _race_windows(Path(apply.document["results"]))
    ours, back = _written(effects), _went_back(effects)
    inside = [effect for effect in back if _is_race(effect, effects, windows)]
    print(f"  apply: exit {apply.code}, {apply.requests} requests in {apply.seconds:.1f} s")
    print(f"    {json.dumps(apply.document.get('outcomes', apply.document.get('counts')))}")
    print(f"    {len(effects) - planned - len(ours)} changes by other people meanwhile, {planned} while planning")
    print(f"    {len(ours)} horizons moved, {len(_first_set(effects))} that were never set")
    print(f"    {len(back)} moved back: {len(inside)} within the race window, {len(back) - len(inside)} outside of it")
    for effect in back:
        waited, window = _seconds_since_it_was_read(effect, effects), _window(effect, windows)
        print(f"    back by {-_step(effect)}, {waited:.3f} s after its user had read on; its window was {window:.3f} s")
    print(f"    race windows: {_spread(list(windows.values()))}")
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"    peak memory of the largest command so far {memory:.0f} MB")
    return len(back) - len(inside)


def _race_windows(results: Path) -> dict[Member, float]:
    """The seconds between the reading and the writing of each row that was sent, as the run published them."""
    columns = ["user_sid", "conversation_sid", "race_window_ms"]
    rows = zip(*(column.to_pylist() for column in pq.read_table(results, columns=columns).columns), strict=True)
    return {(user, conversation): window / 1000 for user, conversation, window in rows if window is not None}


def _is_race(back: Effect, effects: Sequence[Effect], windows: dict[Member, float]) -> bool:
    """Whether somebody else changed the row within its race window; an answer's way to us counts too."""
    return _seconds_since_it_was_read(back, effects) <= _window(back, windows) + ANSWER_SECONDS


def _window(back: Effect, windows: dict[Member, float]) -> float:
    return windows.get((back.user_sid, back.conversation_sid), 0.0)


def _spread(seconds: list[float]) -> str:
    ordered = sorted(seconds) or [0.0]
    half, most = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
    return f"{1000 * half:.0f} ms half of them, {1000 * most:.0f} ms 99 of 100, {1000 * ordered[-1]:.0f} ms the longest"


def _written(effects: Sequence[Effect]) -> list[Effect]:
    """What requests changed; other people act under a name."""
    return [effect for effect in effects if effect.actor.startswith("RQ")]


def _went_back(effects: Sequence[Effect]) -> list[Effect]:
    return [effect for effect in _written(effects) if _index(effect, "after", -1) < _index(effect, "before", -1)]


def _first_set(effects: Sequence[Effect]) -> list[Effect]:
    return [effect for effect in _written(effects) if _index(effect, "before", None) is None]


def _step(effect: Effect) -> int:
    return int(_index(effect, "after", -1) - _index(effect, "before", -1))


def _seconds_since_it_was_read(back: Effect, effects: Sequence[Effect]) -> float:
    """How long the write came after the last change of its row by somebody else: what a shorter wait might prevent."""
    earlier = [effect.at for effect in effects[: back.sequence] if effect.participant_sid == back.participant_sid]
    return back.at - earlier[-1]


def _index(effect: Effect, when: str, missing: Any) -> Any:
    value = (getattr(effect, when) or {}).get("last_read_message_index")
    return missing if value is None else value


if __name__ == "__main__":
    size = [int(number) for number in sys.argv[2:3]]
    members(*size) if sys.argv[1] == "members" else live(*size, *sys.argv[3:])
