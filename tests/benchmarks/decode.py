"""What bytes → Arrow → disk costs: microseconds of CPU a row for decoding, sealing and compaction.

Run it as ``python -m tests.benchmarks.decode [--rows 100000] [--repeat 5]``. Pages are like the official example,
50 rows each, about 1 kB a row. The stages alternate within each repetition, so that a busy machine slows all
of them alike; what is told is the median, and the best in brackets. The slow twin is the tests' oracle.
"""

import argparse
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from readstate.snapshot.extract.decode import decode
from readstate.snapshot.extract.fetch import FetchedUser
from readstate.snapshot.extract.lenient_reader import read_leniently
from readstate.snapshot.parts.compaction import compact
from readstate.snapshot.parts.part import CollectedRows, seal_part
from readstate.snapshot.published.parquet import FinishedFile
from tests.helpers.user_conversation_pages import SNAPSHOT_AT, page, read_slowly, row, user_pages

ROWS_A_PAGE = 50
USERS_AT_ONCE = 40
PART_ROWS = 50_000
FILE_BYTES = 128 << 20
Result = TypeVar("Result")


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    users = list(generated_users(options.rows // ROWS_A_PAGE))
    costs: dict[str, list[float]] = {}
    for _ in range(options.repeat):
        files = measure_once(users, costs)
    report(users, costs, files)


def generated_users(count: int) -> Iterator[FetchedUser]:
    """Give users in no order, one full page each."""
    chance = random.Random(7)
    for _ in range(count):
        user = chance.getrandbits(128)
        rows = [
            row(
                chance.getrandbits(128),
                user=user,
                participant=chance.getrandbits(128),
                unread_messages_count=chance.choice([None, 0, 3, 17, 1000]),
                last_read_message_index=chance.choice([None, chance.randrange(5000)]),
                conversation_state=chance.choice(["active", "inactive", "closed"]),
            )
            for _ in range(ROWS_A_PAGE)
        ]
        yield user_pages(page(rows), user=user, identity=f"user-{user:032x}@example.com")


def measure_once(users: list[FetchedUser], costs: dict[str, list[float]]) -> list[FinishedFile]:
    """Run every stage once over all *users* and note its cost per row."""
    rows = len(users) * ROWS_A_PAGE

    def timed(name: str, rows: int, work: Callable[[], Result]) -> Result:
        began = time.process_time()
        result = work()
        costs.setdefault(name, []).append((time.process_time() - began) / rows * 1e6)
        return result

    with tempfile.TemporaryDirectory() as folder:
        tables = timed("decode", rows, lambda: decoded(users))
        paths = timed("seal", rows, lambda: list(sealed(tables, Path(folder))))
        files = timed("compaction", rows, lambda: list(compacted(paths, Path(folder))))
    few = users[:USERS_AT_ONCE]
    timed("lenient reader", len(few) * ROWS_A_PAGE, lambda: [decode_leniently(user) for user in few])
    timed("slow twin", len(few) * ROWS_A_PAGE, lambda: read_slowly(few))
    return files


def decoded(users: list[FetchedUser]) -> list[pa.Table]:
    """Decode all *users*."""
    return [decode(few, snapshot_at=SNAPSHOT_AT).table for few in batched_users(users)]


def batched_users(users: list[FetchedUser]) -> Iterator[list[FetchedUser]]:
    """Give *users* in batches as an export decodes them."""
    for start in range(0, len(users), USERS_AT_ONCE):
        yield users[start : start + USERS_AT_ONCE]


def sealed(tables: list[pa.Table], folder: Path) -> Iterator[Path]:
    """Write *tables* to parts."""
    rows = CollectedRows()
    for number, table in enumerate(tables, start=1):
        rows.add(table, table.nbytes)
        if rows.count >= PART_ROWS or number == len(tables):
            part = seal_part(rows, folder)
            assert part is not None
            yield part.path
            rows = CollectedRows()


def compacted(paths: list[Path], folder: Path) -> Iterator[FinishedFile]:
    """Merge parts."""
    return compact(paths, folder, run_id="r", snapshot_at=SNAPSHOT_AT, file_bytes=FILE_BYTES)


def decode_leniently(user: FetchedUser) -> None:
    """Read pages with the reader that looks at every value."""
    for body in user.bodies():
        read_leniently(body, user.user)


def report(users: list[FetchedUser], costs: dict[str, list[float]], files: list[FinishedFile]) -> None:
    """Print what was measured."""
    json_bytes = sum(len(body) for user in users for body in user.bodies())
    rows = len(users) * ROWS_A_PAGE
    chain = [sum(each) for each in zip(costs["decode"], costs["seal"], costs["compaction"], strict=True)]
    decoding = statistics.median(costs["decode"])
    print(f"{rows} rows of {json_bytes / rows:.0f} bytes, {len(next(iter(costs.values())))} repetitions")
    print(f"{'':16}  µs of CPU a row    (best)   times decode")
    for name, values in {**costs, "decode to file": chain}.items():
        middle = statistics.median(values)
        print(f"{name:16}  {middle:15.2f}  {min(values):8.2f}  {middle / decoding:13.1f}")
    published = sum(file.bytes for file in files)
    print(
        f"published: {published / rows:.0f} bytes a row, {published / json_bytes:.3f} of the JSON, {len(files)} files"
    )
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB, with all pages in it")
    print(f"pyarrow {pa.__version__}, {pa.default_memory_pool().backend_name}")


if __name__ == "__main__":
    main()
