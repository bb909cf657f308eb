"""Applies plans against a simulated world without a socket; any request can be made to go wrong, or to be the last."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from msgspec.structs import replace

from readstate.changes.apply.latency import LatencyMeter
from readstate.changes.apply.options import ApplyDependencies, ApplyOptions, RowOptions
from readstate.changes.apply.run import apply
from readstate.changes.plans.reader import Plan
from readstate.changes.runs.directory import RunDirectory
from readstate.changes.runs.journal import Journal, create_journal, open_journal, open_read_only
from readstate.changes.runs.result import RunResult
from readstate.changes.runs.row_record import RowRecord
from readstate.clock import Clock
from readstate.errors import Unanswered
from readstate.events import Event
from readstate.simulator.api.api import Request as ApiRequest
from readstate.stop import StopSwitch
from readstate.twilio.client import Writer
from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response
from tests.helpers.fake_clock import FakeClock
from tests.helpers.journals import header_of
from tests.helpers.simulated_api import AUTHORIZATION, FORM, SimulatedApi

Accident = Callable[["WorldTransport", Request], Response | None]
"""Answers instead of the world, raises, or gives None to let the request through."""


def unharmed(transport: "WorldTransport", request: Request) -> None:
    """Let every request through."""


class Killed(BaseException):
    """The process is no more."""


@dataclass
class WorldTransport:
    simulated: SimulatedApi
    accident: Accident = unharmed
    sent: list[Request] = field(default_factory=list)

    async def send(self, request: Request) -> Response:
        self.sent.append(request)
        answer = self.accident(self, request)
        return self.ask(request) if answer is None else answer

    def ask(self, request: Request) -> Response:
        body = urlencode(request.form).encode()
        asked = ApiRequest(request.method, request.target, AUTHORIZATION, FORM if body else b"", body)
        request_id = f"RQ{len(self.sent):032x}"
        _, answer = self.simulated.api.handle(asked, request_id)
        return Response(answer.status, {"twilio-request-id": request_id}, answer.body)

    @property
    def writes(self) -> list[Request]:
        return [request for request in self.sent if request.method != "GET"]


def lost_after_effect(transport: WorldTransport, request: Request) -> Response:
    """The effect happens, and no response arrives."""
    transport.ask(request)
    raise Unanswered("reset")


def lost_before_effect(transport: WorldTransport, request: Request) -> Response:
    """Nothing happens, and no response arrives."""
    raise Unanswered("reset")


def status(number: int, code: int | None = None) -> Accident:
    body = b"{}" if code is None else b'{"code": %d, "message": "no"}' % code
    return lambda transport, request: Response(number, {}, body)


def writes(accident: Accident, *, only: Callable[[int], bool] = lambda number: True) -> Accident:
    """Let *accident* happen to writes; *only* chooses by their number, from 0."""

    def happen(transport: WorldTransport, request: Request) -> Response | None:
        chosen = request.method != "GET" and only(len(transport.writes) - 1)
        return accident(transport, request) if chosen else None

    return happen


QUICK = ApplyOptions(row=RowOptions(readback_delays=(0.5, 1.0)), max_parallel_rows=8, grace_seconds=1.0)


@dataclass
class Bench:
    """One world, and runs on it."""

    simulated: SimulatedApi
    folder: Path
    clock: Clock = field(default_factory=FakeClock)
    events: list[Event] = field(default_factory=list)
    stop: StopSwitch = field(default_factory=StopSwitch)
    questions: list[str] = field(default_factory=list)
    agrees: bool = False

    def begin(self, plan: Plan, name: str = "r-1") -> tuple[RunDirectory, Journal]:
        """A run that has done nothing yet."""
        directory = RunDirectory(self.folder / name)
        directory.path.mkdir()
        header = header_of(plan, run_id=name, started_at=self.clock.now(), who={"os_user": "ann"})
        return directory, create_journal(directory.journal, header)

    async def go(
        self, plan: Plan, directory: RunDirectory, journal: Journal, transport: WorldTransport, **options: Any
    ) -> RunResult:
        """One start of a run."""
        context = ApplyDependencies(
            writer=Writer(transport),
            rate=lambda: 1000.0,
            confirm=self.confirm,
            meter=LatencyMeter(self.clock),
            clock=self.clock,
            stop=self.stop,
            emit=self.events.append,
        )
        return await apply(plan, directory, journal, replace(QUICK, **options), context)

    async def confirm(self, question: str) -> bool:
        self.questions.append(question)
        return self.agrees

    async def apply(
        self, plan: Plan, accident: Accident = unharmed, *, transport: WorldTransport | None = None, **options: Any
    ) -> "Applied":
        """A whole run in one start."""
        directory, journal = self.begin(plan)
        transport = transport or WorldTransport(self.simulated, accident)
        return await self._start(plan, directory, journal, transport, **options)

    async def resume(self, plan: Plan, accident: Accident = unharmed, **options: Any) -> "Applied":
        """The next start of the run."""
        directory = RunDirectory(self.folder / "r-1")
        self.stop = StopSwitch()
        transport = WorldTransport(self.simulated, accident)
        return await self._start(plan, directory, open_journal(directory.journal), transport, **options)

    async def _start(
        self, plan: Plan, directory: RunDirectory, journal: Journal, transport: WorldTransport, **options: Any
    ) -> "Applied":
        result = await self.go(plan, directory, journal, transport, **options)
        journal.close()
        return Applied(result, directory, transport)


@dataclass
class Applied:
    result: RunResult
    directory: RunDirectory
    transport: WorldTransport

    @property
    def counts(self) -> dict[str, int]:
        return self.result.counts

    def records(self) -> dict[int, RowRecord]:
        with looking(self.directory) as journal:
            return {record.plan_row_id: record for record in journal.records()}

    def record(self, plan_row_id: int = 0) -> RowRecord:
        return self.records()[plan_row_id]


@contextmanager
def looking(directory: RunDirectory) -> Iterator[Journal]:
    journal = open_read_only(directory.journal)
    try:
        yield journal
    finally:
        journal.close()


def rows_of(simulated: SimulatedApi, *, having: Callable[[Any], bool] = lambda row: True) -> list[Any]:
    """All rows of the default service that *having* says yes to."""
    return [
        row
        for user in simulated.service.users()
        for row in simulated.rows(f"/v1/Users/{user.sid}/Conversations")
        if row["conversation_state"] == "active" and having(row)
    ]


def line(row: Any, **cells: Any) -> dict[str, Any]:
    return {"user": row["user_sid"], "conversation": row["conversation_sid"], **cells}


def state_of(simulated: SimulatedApi, rows: list[Any]) -> dict[tuple[str, str], Any]:
    """What matters of *rows* as they are now; None where the member is gone."""
    found = {}
    for row in rows:
        key = (row["user_sid"], row["conversation_sid"])
        reply = simulated.ask("GET", f"/v1/Users/{key[0]}/Conversations/{key[1]}")
        found[key] = (
            (reply.body["last_read_message_index"], reply.body["notification_level"], reply.body["participant_sid"])
            if reply.status == 200
            else None
        )
    return found


class Listener(list[Any]):
    """A list of events that calls *on_event* with each as it comes."""

    def __init__(self, on_event: Callable[[Any], None]) -> None:
        super().__init__()
        self._on_event = on_event

    def append(self, event: Any) -> None:
        super().append(event)
        self._on_event(event)
