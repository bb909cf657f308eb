"""The process of one query: a request on stdin, rows as an Arrow stream on stdout, an error as JSON on stderr.

`sql_process` starts it, watches its memory and its time, and kills it: DuckDB's own limits know nothing of what one
function makes of one row, such as ``repeat('x', 4000000000)``, and do not interrupt it.
"""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from datetime import date
from tempfile import gettempdir
from threading import Thread
from typing import TYPE_CHECKING

from readstate.errors import BadInput, ReadstateError
from readstate.text import format_size
from readstate_jobs.cli.optional_imports import block_optional_imports

if TYPE_CHECKING:
    import pyarrow as pa

_LARGEST_PIECE = 16 << 20
LARGEST_ROW = 64_000_000
"""In bytes. A row is held several times on its way out."""


def main() -> int:
    """Answer the request on stdin and return the exit code: 0, or 1 after an error was written."""
    block_optional_imports()
    request = json.loads(sys.stdin.buffer.readline())
    Thread(target=_exit_with_parent, daemon=True).start()
    try:
        _answer(request["root"], request["day"] and date.fromisoformat(request["day"]), request["query"])
    except ReadstateError as error:
        json.dump({"kind": type(error).__name__, "message": error.message, "hint": error.hint}, sys.stderr)
        return 1
    return 0


def _answer(root: str, day: date | None, query: str) -> None:
    # After the optional imports are blocked: pyarrow would load numpy.
    import pyarrow as pa  # noqa: PLC0415

    from readstate.snapshot.query.catalog import open_catalog  # noqa: PLC0415
    from readstate.snapshot.query.query import run_query  # noqa: PLC0415

    with open_catalog(root, day, for_query=query) as snapshots:
        result = run_query(snapshots, query)
        with pa.ipc.new_stream(sys.stdout.buffer, result.schema) as stream:
            for batch in result.batches:
                for piece in _pieces(batch):
                    stream.write_batch(piece)


def _pieces(batch: "pa.RecordBatch") -> Iterator["pa.RecordBatch"]:
    if batch.nbytes <= _LARGEST_PIECE or len(batch) == 0:
        yield batch
    elif len(batch) > 1:
        half = len(batch) // 2
        yield from _pieces(batch.slice(0, half))
        yield from _pieces(batch.slice(half))
    elif batch.nbytes > LARGEST_ROW:
        raise BadInput(
            f"one row of the result has {format_size(batch.nbytes)}; at most {format_size(LARGEST_ROW)} are written",
            hint="Have one row for each value, instead of a list or a text of all of them.",
        )
    else:
        yield batch


def _exit_with_parent() -> None:
    """End this process, and remove its temporary files, when the parent has died: no query outlives its command."""
    # Not through sys.stdin, whose lock would be held when this process ends in the ordinary way.
    os.read(0, 1)
    shutil.rmtree(gettempdir(), ignore_errors=True)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
