"""How fast an apply is beside a bare loop that sends the same POSTs with as many at once, and keeps no journal.

An apply reads each row before it writes it: those readings are requests too, so requests per second are compared, not
rows. Each side has a simulator of its own, of the same world; from run to run, levels change to muted and back.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.figures import Goal, Section, Spread, in_turns
from tests.benchmarks.measured import measure, simulator
from tests.benchmarks.watched import Watched

HEADER = ("at once", "bare loop, requests/s", "apply, requests/s")
_LATENCY_MS = 20
_LOOKS_A_SECOND = 20
_CHANGES = """
    SELECT user_sid AS "user", min(conversation_sid) AS conversation, 'update' AS op, '{}' AS notification_level
    FROM user_conversations WHERE notification_level = 'default' AND conversation_state <> 'closed'
    GROUP BY user_sid ORDER BY user_sid LIMIT {}
"""


def apply(rows: int, rounds: int) -> Section:
    """Apply plans of *rows* rows, of as many users, with 16 and with 64 requests at once."""
    world = (
        "--users", str(2 * rows), "--conversations-per-user", "5", "--services", "1", "--odd-identities", "0",
        "--fault", f"latency_ms={_LATENCY_MS}", "--fault", "concurrency_cap=none",
        "--behaviour", "actions_per_second=0",
    )  # fmt: skip
    cells, goals = [], []
    with TemporaryDirectory() as text, simulator(*world) as ours, simulator(*world) as theirs:
        ours["READSTATE_WORK_DIR"] = f"{text}/work"
        changes = _changes(Path(text), ours, rows)
        bare_loop, applying = _bare_loop(theirs, cycle(changes)), _applying(ours, cycle(changes))
        for at_once in (16, 64):
            runs = {"bare": partial(bare_loop, at_once), "apply": partial(applying, at_once)}
            bare, apply = (Spread.of(found) for found in in_turns(runs, rounds).values())
            cells.append((f"{at_once}", bare.text(), apply.text()))
            goals.append(Goal(f"apply, of the bare loop, {at_once} at once", apply.per(bare), "at least", 0.95))
    text = (
        f"{rows} rows, {_LATENCY_MS} ms of service time, no cap. The bare loop sends one request a row; an apply reads"
        " the row first, writes it, and keeps a journal."
    )
    return Section("Apply", text, HEADER, cells, goals)


Work = Callable[[int], float]
"""Takes how many requests may be sent at once, returns requests a second."""


def _bare_loop(env: Mapping[str, str], changes: Iterator[Path]) -> Work:
    return lambda at_once: _per_second(
        env, ["-m", "tests.benchmarks.peers.bare_posts", str(next(changes)), str(at_once)]
    )


def _applying(env: Mapping[str, str], changes: Iterator[Path]) -> Work:
    def work(at_once: int) -> float:
        readstate, plans = ["-m", "readstate_jobs"], f"{env['READSTATE_WORK_DIR']}/plans"
        measure([*readstate, "plan", str(next(changes)), "--out", plans], env)
        limits = ["--writes-per-second", "100000", "--max-in-flight", str(at_once), "--canary", "0", "--verify", "none"]
        return _per_second(env, [*readstate, "apply", "last", "--plans", plans, *limits])

    return work


def _per_second(env: Mapping[str, str], arguments: list[str]) -> float:
    watched = Watched(env["BASE_URL"], _LOOKS_A_SECOND, "/{ConversationSid}")
    measure(arguments, env, watched=watched)
    return watched.answers[-1] / watched.seconds()


def _changes(folder: Path, env: Mapping[str, str], rows: int) -> list[Path]:
    """Write a file of changes that mutes one conversation of each user, and one that takes it back."""
    files = []
    measure(["-m", "readstate_jobs", "export", "--out", f"{folder}/root"], env)
    for level in ("muted", "default"):
        files.append(folder / f"{level}.csv")
        query = _CHANGES.format(level, rows)
        measure(["-m", "readstate_jobs", "sql", f"{folder}/root", query, "--out", str(files[-1])], env)
    return files
