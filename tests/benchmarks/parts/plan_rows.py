"""What a plan of many rows takes, from the lines to the summary; nothing is applied.

    python -m tests.benchmarks.parts.plan_rows [ROWS]

Each command is a process of its own, so that its peak of memory is its own.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.measured import measure, simulator

ROWS_A_USER = 46
CHANGES = """
    SELECT user_sid AS "user", conversation_sid AS conversation, 'update' AS op, 'muted' AS notification_level
    FROM user_conversations
"""


def main(rows: int) -> None:
    world = (
        "--users", str(rows // ROWS_A_USER), "--conversations-per-user", "47.9", "--heaviest", "50",
        "--odd-identities", "0", "--fault", "concurrency_cap=none",
    )  # fmt: skip
    with TemporaryDirectory() as text, simulator(*world) as env:
        folder = Path(text)
        env["READSTATE_WORK_DIR"] = str(folder / "work")
        commands = {
            "export": ["export", "--out", str(folder / "root")],
            "sql": ["sql", str(folder / "root"), CHANGES, "--out", str(folder / "changes.csv")],
            "plan": ["plan", str(folder / "changes.csv"), "--out", str(folder / "plans")],
            "show": ["show", "last", "--plans", str(folder / "plans")],
        }
        print(f"about {rows} rows\n{'command':<8} {'MB at most':>10} {'s':>7} {'µs of CPU a row':>16}")
        for name, arguments in commands.items():
            taken = measure(["-m", "readstate_jobs", *arguments], env)
            cpu = 1e6 * taken.cpu / rows
            print(f"{name:<8} {taken.peak_megabytes:>10.0f} {taken.wall:>7.0f} {cpu:>16.1f}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
