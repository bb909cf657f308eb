"""Runs exports against a simulator, and compares what they published with the simulator's world."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

from msgspec.structs import replace
from pyarrow import parquet as pq

from readstate.clock import SystemClock
from readstate.errors import ExitCode
from readstate.events import Event, RosterComplete, UserRead
from readstate.model.quantities import Allowance
from readstate.settings.credentials import Credentials
from readstate.settings.settings import load_settings
from readstate.simulator.server.server import RunningSimulator
from readstate.snapshot.export.export import export
from readstate.snapshot.export.ingest import PartLimits
from readstate.snapshot.export.options import ExportContext, ExportOptions
from readstate.snapshot.published.manifest import Manifest
from readstate.snapshot.published.snapshot import open_snapshot
from readstate.snapshot.published.snapshot_store import open_store
from readstate.snapshot.roster.selection import RosterSelection
from readstate.snapshot.workspace.timeline import Timeline
from readstate.snapshot.workspace.workspace import Workspace, export_workspace
from readstate.stop import StopReason, StopSwitch
from readstate.twilio.connect import connection

DAY = date(2026, 11, 23)
Key = tuple[str, str, str]
Result = TypeVar("Result")
Flow = Callable[[ExportOptions, ExportContext], Awaitable[Result]]


def credentials_of(twilio: RunningSimulator) -> Credentials:
    account = twilio.credentials
    return Credentials(account.account_sid, account.account_sid, account.auth_token)


def options(twilio: RunningSimulator, **changes: Any) -> ExportOptions:
    plain = ExportOptions(
        snapshot_date=DAY,
        selection=RosterSelection(),
        base_url=twilio.base_url,
        max_failed_users=Allowance(share=0.001),
        part_limits=PartLimits(rows=100, seconds=30),
        parallel=20,
    )
    return replace(plain, **changes)


class Export:
    """An export and its events."""

    def __init__(self, twilio: RunningSimulator, folder: Path) -> None:
        self.twilio = twilio
        self.root = str(folder / "root")
        self.work_dir = folder / "work"
        self.settings: dict[str, Any] = {"max_outage": "1s", "request_timeout_seconds": 5.0}
        self.events: list[Event] = []
        self.stop: StopSwitch | None = None

    async def run(self, **changes: Any) -> Manifest:
        day = changes.get("snapshot_date", DAY)
        changes["replaces"] = open_store(self.root).current(day)
        return await self.carry_out(export, export_workspace(self.work_dir, root=self.root, day=day), **changes)

    async def carry_out(self, flow: Flow[Result], held: AbstractContextManager[Workspace], **changes: Any) -> Result:
        settings = load_settings(flags={"base_url": self.twilio.base_url, **self.settings}, environ={}).settings
        clock = SystemClock()
        timeline = Timeline(clock)
        self.stop = StopSwitch()

        def emit(event: Event) -> None:
            timeline.observe(event)
            self.events.append(event)
            self.on_event(event)

        with held as workspace:
            async with connection(settings, credentials_of(self.twilio), clock=clock, emit=emit) as twilio:
                timeline.watch(twilio.limiter)
                context = ExportContext(
                    reader=twilio.reader(),
                    limiter=twilio.limiter,
                    store=open_store(self.root),
                    workspace=workspace,
                    timeline=timeline,
                    stop=self.stop,
                    clock=clock,
                    emit=emit,
                    tool_version="0",
                )
                return await flow(options(self.twilio, **changes), context)

    def on_event(self, event: Event) -> None:
        """Overridden by those who want to interfere."""

    def published(self) -> dict[Key, dict[str, Any]]:
        return by_key(open_snapshot(self.root).dataset().to_table().to_pylist())


def by_key(rows: Sequence[dict[str, Any]]) -> dict[Key, dict[str, Any]]:
    found = {(row["chat_service_sid"], row["user_sid"], row["conversation_sid"]): row for row in rows}
    assert len(found) == len(rows), "a row was published twice"
    return found


def published_rows(root: Path) -> dict[Key, dict[str, Any]]:
    """Every row below *root*, read without the product's own reader."""
    files = sorted((root / "user_conversations").rglob("*.parquet"))
    return by_key([row for path in files for row in pq.ParquetFile(path).read().to_pylist()])


class BrokenListsAfterTheRoster(Export):
    """Makes every list of more than a page loop, once the roster is complete."""

    def on_event(self, event: Event) -> None:
        if isinstance(event, RosterComplete):
            self.twilio.faults = replace(self.twilio.faults, page_loop_share=1.0)


class StoppingAfter(Export):
    """Requests a stop when *users* were read."""

    users = 30

    def on_event(self, event: Event) -> None:
        if sum(isinstance(event, UserRead) for event in self.events) >= self.users and self.stop is not None:
            self.stop.request_stop(StopReason("enough", ExitCode.STOPPED_EARLY))


def world_rows(twilio: RunningSimulator) -> dict[Key, dict[str, Any]]:
    """The rows that a perfect client would have seen."""
    return by_key(list(twilio.oracle.every_user_conversation()))


COMPARED = (
    "account_sid", "unread_messages_count", "last_read_message_index", "participant_sid", "friendly_name",
    "conversation_state", "attributes", "created_by", "notification_level", "unique_name",
)  # fmt: skip


def assert_same(published: dict[Key, dict[str, Any]], expected: dict[Key, dict[str, Any]]) -> None:
    """Compare every field that both sides have in the same form."""
    assert published.keys() == expected.keys()
    for key, row in expected.items():
        mine = published[key]
        for name in COMPARED:
            assert mine[name] == row[name], (key, name)
        for name in ("date_created", "date_updated"):
            assert mine[name] == _instant(row[name]), (key, name)
        timers = row["timers"] or {}
        for name in ("date_inactive", "date_closed"):
            assert mine[f"timers_{name}"] == _instant(timers.get(name)), (key, name)


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)


@contextmanager
def changed(twilio: RunningSimulator, **faults: Any) -> Iterator[None]:
    """Other faults for the length of the block."""
    before = twilio.faults
    twilio.faults = replace(before, **faults)
    try:
        yield
    finally:
        twilio.faults = before
