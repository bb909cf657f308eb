"""One run of an export, from its first start to its end, however often it is stopped or killed in between."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from readstate.clock import Clock
from readstate.snapshot.published.manifest import RequestCounts, TimelineWindow
from readstate.snapshot.workspace.checkpoint import Checkpoint
from readstate.snapshot.workspace.request_counter import RequestCounter
from readstate.snapshot.workspace.spans import Span
from readstate.snapshot.workspace.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Run:
    """What stays the same from this start of a run to its end."""

    run_id: str
    started_at: datetime
    """When its first start was."""
    account_sid: str | None
    began_at: datetime
    """When this start was."""
    earlier_spans: tuple[Span, ...]
    earlier_requests: RequestCounts
    earlier_windows: tuple[TimelineWindow, ...]

    def record(self, requests: RequestCounter, timeline: Timeline, *, now: datetime) -> "RunRecord":
        """What became of the run until *now*, over all of its starts."""
        return RunRecord(
            spans=(*self.earlier_spans, Span(self.began_at, max(now, self.began_at))),
            requests=requests.added_to(self.earlier_requests),
            timeline=timeline.added_to(self.earlier_windows),
        )


class RunRecord(msgspec.Struct, frozen=True):
    """How a run went, as the checkpoint keeps it."""

    spans: tuple[Span, ...]
    """One for each start."""
    requests: RequestCounts
    timeline: tuple[TimelineWindow, ...]


def begin(checkpoint: Checkpoint, *, run_id: str, account_sid: str | None, options: Any, clock: Clock) -> Run:
    """Note that a run begins now."""
    now = clock.now()
    run = Run(run_id, now, account_sid, now, (), RequestCounts(), ())
    checkpoint.remember(
        options=options,
        run_id=run_id,
        started_at=now.isoformat(),
        account_sid=account_sid,
        record=msgspec.to_builtins(RunRecord((Span(now, now),), RequestCounts(), ())),
    )
    return run


def resume(checkpoint: Checkpoint, *, clock: Clock) -> Run:
    """Note that the run of *checkpoint* goes on now."""
    now = clock.now()
    record = msgspec.convert(checkpoint.recall("record"), RunRecord)
    run = Run(
        run_id=checkpoint.recall("run_id"),
        started_at=datetime.fromisoformat(checkpoint.recall("started_at")),
        account_sid=checkpoint.recall("account_sid"),
        began_at=now,
        earlier_spans=record.spans,
        earlier_requests=record.requests,
        earlier_windows=record.timeline,
    )
    again = msgspec.structs.replace(record, spans=(*record.spans, Span(now, now)))
    checkpoint.remember(record=msgspec.to_builtins(again))
    return run
