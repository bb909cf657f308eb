"""``readstate`` that is killed at a point, as by ``kill -9``.

``python -m tests.helpers.crash_points POINT NUMBER ARGUMENTS…``: POINT is one of `POINTS`, NUMBER counts its passings.
The product knows none of them: each is put around a function of it.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from itertools import count
from typing import Any

from readstate.changes.runs.journal import Journal
from readstate.changes.runs.row_record import INTENT, PENDING
from readstate.twilio.transport.aiohttp_transport import AiohttpTransport
from readstate.twilio.transport.curl_transport import CurlTransport
from readstate_jobs.applying import apply_job
from readstate_jobs.cli.main import main

POINTS = (
    "before the intent",
    "after the intent",
    "mid-send",
    "after the effect",
    "before the outcome",
    "after the outcome",
    "before the results",
    "during the results",
)


def die() -> None:
    """Leave as if killed: nothing is flushed, closed or said."""
    os.kill(os.getpid(), signal.SIGKILL)


def arm(point: str, number: int) -> None:
    """Let this process die when *point* is passed for the time *number*."""
    passings = count(1)

    def maybe_die() -> None:
        if next(passings) == number:
            die()

    match point:
        case "before the intent" | "after the intent" | "before the outcome" | "after the outcome":
            _around_commits(point, maybe_die)
        case "mid-send" | "after the effect":
            for transport in (AiohttpTransport, CurlTransport):
                _around_sends(transport, point, maybe_die)
        case "before the results":
            _before(apply_job, "write_results", maybe_die)
        case "during the results":
            from readstate.changes.runs import results

            _before(results, "write_audit", maybe_die)
        case _:
            raise SystemExit(f"no such point: {point}")


def _around_commits(point: str, maybe_die: Callable[[], None]) -> None:
    commit = Journal.commit

    def wrapped(self: Journal, records: Any, *more: Any) -> None:
        records = list(records)
        states = {record.state for record in records}
        wanted = INTENT in states if point.endswith("intent") else bool(states - {INTENT, PENDING})
        if wanted and point.startswith("before"):
            maybe_die()
        commit(self, records, *more)
        if wanted and point.startswith("after"):
            maybe_die()

    Journal.commit = wrapped  # type: ignore[method-assign]


def _around_sends(transport: Any, point: str, maybe_die: Callable[[], None]) -> None:
    send = transport.send

    async def wrapped(self: Any, request: Any) -> Any:
        if request.method == "GET":
            return await send(self, request)
        if point == "mid-send":
            asyncio.get_running_loop().call_later(0.002, maybe_die)
            await asyncio.sleep(0)
        answer = await send(self, request)
        if point == "after the effect":
            maybe_die()
        return answer

    transport.send = wrapped


def _before(module: Any, name: str, maybe_die: Callable[[], None]) -> None:
    function = getattr(module, name)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        maybe_die()
        return function(*args, **kwargs)

    setattr(module, name, wrapped)


if __name__ == "__main__":
    arm(sys.argv[1], int(sys.argv[2]))
    sys.exit(main(sys.argv[3:]))
