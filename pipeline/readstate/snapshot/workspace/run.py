"""One run of an export, from its first start to its end, however often it is stopped or killed in between."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from readstate.clock import Clock
from readstate.snapshot.published.manifest import Moment, TimelineWindow
from readstate.snapshot.workspace.checkpoint import Checkpoint
from readstate.snapshot.workspace.timeline import Timeline


class Span(NamedTuple):
    """From the start of one process to its end."""

    begins_at: Moment
    ends_at: Moment


class RunRecord(msgspec.Struct, frozen=True):
    """How a run went, over all of its starts, as the checkpoint keeps it."""

    spans: tuple[Span, ...]
    """One for each start."""
    timeline: tuple[TimelineWindow, ...]


class Run(Struct, frozen=True):
    """What does not change between this start of a run and its end."""

    run_id: str
    started_at: datetime
    """When the run was started first."""
    account_sid: str | None
    began_at: datetime
    """When this start was."""
    earlier: RunRecord
    """Of the starts before this one."""

    def record(self, timeline: Timeline, *, now: datetime) -> RunRecord:
        """Return how the run went until *now*."""
        span = Span(self.began_at, max(now, self.began_at))
        return RunRecord((*self.earlier.spans, span), timeline.added_to(self.earlier.timeline))


def begin(
    checkpoint: Checkpoint, *, root: str, run_id: str, account_sid: str | None, options: Any, clock: Clock
) -> Run:
    """Write into the checkpoint that a run to *root* begins now."""
    now = clock.now()
    checkpoint.set(
        options=options,
        root=root,
        run_id=run_id,
        started_at=now.isoformat(),
        account_sid=account_sid,
        record=msgspec.to_builtins(RunRecord((Span(now, now),), ())),
    )
    return Run(run_id, now, account_sid, now, RunRecord((), ()))


def resume(checkpoint: Checkpoint, *, clock: Clock) -> Run:
    """Write into the checkpoint that its run is started once more."""
    now = clock.now()
    earlier: RunRecord = checkpoint.require("record", RunRecord)
    with_this_start = msgspec.structs.replace(earlier, spans=(*earlier.spans, Span(now, now)))
    checkpoint.set(record=msgspec.to_builtins(with_this_start))
    return Run(
        run_id=checkpoint.require("run_id", str),
        started_at=checkpoint.require("started_at", Moment),
        account_sid=checkpoint.get("account_sid", str | None),
        began_at=now,
        earlier=earlier,
    )


def idle_seconds(spans: Iterable[Span]) -> float:
    """Return the seconds between the first beginning and the last end that no span covers."""
    ordered = sorted(spans)
    idle, busy_until = 0.0, ordered[0].begins_at
    for span in ordered:
        idle += max(0.0, (span.begins_at - busy_until).total_seconds())
        busy_until = max(busy_until, span.ends_at)
    return idle
