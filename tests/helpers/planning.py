"""Makes plans against a simulated world, without a socket: what was asked is remembered, and no write gets through."""

import csv
import io
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from readstate.changes.current_state.target import find_target
from readstate.changes.input.lint import InputOptions, stage
from readstate.changes.planning.gather import read_current
from readstate.changes.planning.make_plan import write_plan
from readstate.changes.planning.options import PlanOptions
from readstate.changes.planning.workspace import PlanWorkspace
from readstate.changes.plans.reader import Plan
from readstate.changes.plans.writer import PlanWriter
from readstate.events import ignore
from readstate.input.problems import Problem
from readstate.input.source import open_source
from readstate.model.desired import Operation
from readstate.simulator.api.api import Request as ApiRequest
from readstate.stop import StopSwitch
from readstate.twilio.client import Reader
from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response
from readstate.twilio.read_context import ReadContext
from readstate.twilio.transport.transport import Transport
from tests.helpers.fake_clock import FakeClock
from tests.helpers.plans import provenance
from tests.helpers.simulated_api import AUTHORIZATION, SimulatedApi

NOW = 1_795_392_000.0
"""2026-11-23 00:00 UTC, for worlds and for clocks."""


@dataclass
class SimulatedTransport:
    """A transport into a simulated world that refuses to carry a write."""

    simulated: SimulatedApi
    sent: list[Request] = field(default_factory=list)
    failing: dict[str, int | Response] = field(default_factory=dict)
    """Responses, or their statuses, to answer where a path ends like the key."""

    async def send(self, request: Request) -> Response:
        assert request.method == "GET", f"a dry run sent {request.method} {request.path}"
        self.sent.append(request)
        for ending, response in self.failing.items():
            if request.path.endswith(ending):
                return response if isinstance(response, Response) else Response(response, {}, b"")
        asked = ApiRequest(request.method, request.target, AUTHORIZATION)
        _, answer = self.simulated.api.handle(asked, f"RQ{len(self.sent):032x}")
        return Response(answer.status, {"date": "Mon, 23 Nov 2026 02:00:00 GMT"}, answer.body)

    def paths(self) -> Counter[str]:
        return Counter(request.path for request in self.sent)


@dataclass
class Planned:
    plan: Plan
    problems: list[Problem]
    sent: list[Request]

    @property
    def rows(self) -> list[Any]:
        return list(self.plan.rows())

    @property
    def dispositions(self) -> list[str]:
        return [row.disposition for row in self.rows]

    @property
    def reasons(self) -> list[str | None]:
        return [row.reason_code for row in self.rows]


def update(row: Any, **cells: Any) -> dict[str, Any]:
    """A line that asks to set *cells* of the membership *row*."""
    return {"user": row["user_sid"], "conversation": row["conversation_sid"], **cells}


def csv_of(*rows: dict[str, Any]) -> str:
    """A changes file with the columns that *rows* have."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def read_context(transport: Transport, service_sid: str, **changes: Any) -> ReadContext:
    """Return what reading needs, over *transport*."""
    plain: dict[str, Any] = {"clock": FakeClock(), "stop": StopSwitch(), "emit": ignore, "parallel": 4}
    return ReadContext(reader=Reader(transport), service_sid=service_sid, **plain | changes)


async def make_plan(
    simulated: SimulatedApi,
    text: str,
    folder: Path,
    *,
    service: str | None = None,
    operation: Operation | None = Operation.UPDATE,
    transport: SimulatedTransport | None = None,
    stop: StopSwitch | None = None,
    **options: Any,
) -> Planned:
    """Plan the changes file *text* against the world of *simulated*."""
    spool = Path(mkdtemp(dir=folder))
    (spool / "changes.csv").write_text(text, encoding="utf-8")
    problems: list[Problem] = []
    transport = transport or SimulatedTransport(simulated)
    clock = FakeClock()
    source = open_source(str(spool / "changes.csv"), spool=spool)
    workspace = PlanWorkspace(spool)
    plan_options = PlanOptions(**options)
    with PlanWriter(folder / "plans") as writer:
        staged = stage(source, workspace.staging, InputOptions(operation), problems.append)
        assert staged is not None, problems
        target_info = await find_target(Reader(transport), service, base_url="http://127.0.0.1", clock=clock)
        context = read_context(transport, target_info.target.service_sid, clock=clock, stop=stop or StopSwitch())
        requests = target_info.requests + await read_current(workspace, plan_options, context, problems.append)
        plan = write_plan(
            workspace, plan_options, target_info, writer,
            provenance=provenance(
                size=source.size, sha256=source.sha256, header=staged.format.header, rows=staged.rows,
                rejected_rows=staged.rejected,
            ),
            now=clock.now(), requests=requests,
        )  # fmt: skip
    workspace.close()
    # A page that fails is asked for again in smaller parts, which the reader does on its own.
    assert requests == len(transport.sent) or transport.failing
    return Planned(plan, problems, transport.sent)
