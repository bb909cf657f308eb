"""What happened, line by line, as text for people or as JSON for log collectors."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Literal

import msgspec

from readstate import events
from readstate.clock import Clock
from readstate.events import Event
from readstate.observers.progress_figures import Figures, outlook, sentence
from readstate.text import escape_control, format_duration, group_digits, pluralize

_SECONDS_BETWEEN_FIGURES = 30.0

Level = Literal["info", "warning", "error"]
Write = Callable[[str], None]
"""Takes one line without its end."""


class RunLog:
    """Writes a line for each event worth one, and where nobody sees a progress bar, the figures each 30 seconds."""

    def __init__(self, write: Write, *, clock: Clock, log_format: Literal["text", "json"], tells_figures: bool) -> None:
        self._write = write
        self._clock = clock
        self._is_json = log_format == "json"
        self._tells_figures = tells_figures
        self._figures_told_at = 0.0

    def observe(self, event: Event) -> None:
        """Write a line about *event*, where it is worth one."""
        # Nearly all events are requests and users, of which only the failures have a line: one look-up for the rest.
        if (found := _LINES.get(type(event))) is None:
            return
        level, describe = found
        facts = msgspec.structs.asdict(event)
        message = describe(event)
        request_id = facts.get("request_id")
        if request_id and request_id not in message:
            message = f"{message}, request {request_id}"
        self._line(level, _snake_case(type(event).__name__), message, facts)

    def look(self, now: Figures) -> None:
        """Write the figures of *now* where half a minute has passed since the last ones."""
        if self._tells_figures and now.elapsed_seconds - self._figures_told_at >= _SECONDS_BETWEEN_FIGURES:
            self._figures_told_at = now.elapsed_seconds
            told = filter(None, (sentence(now), outlook(now)))
            self._line("info", "figures", ", ".join(told), asdict(now))

    def close(self) -> None:
        """Nothing is held back, so nothing is left to write."""

    def _line(self, level: Level, name: str, message: str, facts: Mapping[str, Any]) -> None:
        now = self._clock.now()
        if self._is_json:
            stamp = now.isoformat(timespec="milliseconds")
            self._write(json.dumps({"time": stamp, "level": level, "event": name, "message": message, **facts}))
        else:
            mark = "" if level == "info" else f"{level}: "
            self._write(escape_control(f"{now:%Y-%m-%d %H:%M:%SZ} {mark}{message}"))


def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


_LINES: Mapping[type, tuple[Level, Callable[[Any], str]]] = {
    events.RunResumed: (
        "info",
        lambda event: (
            f"going on with {event.run_id}: {pluralize(event.users_done, 'user')} done, "
            f"{group_digits(event.users_left)} left, {pluralize(event.rows, 'row')} kept"
        ),
    ),
    events.UsersForeseen: (
        "info",
        lambda event: (
            f"{group_digits(event.users)} users are known from the last snapshot: reading them while all are listed"
        ),
    ),
    events.RosterComplete: ("info", lambda event: f"{pluralize(event.users, 'user')} in all"),
    events.UserFailed: ("error", lambda event: f"user {event.user_sid} failed: {event.reason}"),
    events.UserVanished: ("info", lambda event: f"user {event.user_sid} does not exist any more"),
    events.RetriesExhausted: (
        "warning",
        lambda event: f"gave up {event.method} {event.path} after {event.attempts} attempts: {event.reason}",
    ),
    events.RetryBudgetSpent: (
        "warning",
        lambda event: f"more than {event.retry_share:.0%} of requests are retries; what fails now waits longest",
    ),
    events.PageShrunk: ("info", lambda event: f"GET {event.path} keeps failing: asking for {event.page_size} rows"),
    events.WindowFound: ("info", lambda event: f"the account takes about {event.window:.0f} requests at once"),
    events.GateClosed: ("info", lambda event: f"Twilio asks for a pause of {format_duration(event.seconds)}"),
    events.SharedPaceLost: (
        "warning",
        lambda event: (
            f"the pace cannot be shared through {event.place}: {event.reason}; "
            "this process keeps to its last share until it can"
        ),
    ),
    events.SharedPaceFound: ("info", lambda event: f"{event.processes} processes share the pace again"),
    events.OutageBegan: (
        "warning",
        lambda _: "nothing works any more, waiting until it does: ask readstate doctor",
    ),
    events.OutageEnded: ("info", lambda event: f"it works again after {format_duration(event.seconds)}"),
    events.UnknownFields: (
        "warning",
        lambda event: f"Twilio sends fields that the schema does not know: {', '.join(event.names)}",
    ),
    events.DuplicatesDropped: (
        "info",
        lambda event: f"{pluralize(event.rows, 'row')} had come twice; each is kept once",
    ),
    events.ApplyBegan: (
        "info",
        lambda event: (
            f"{event.run_id}, start {event.epoch}: {pluralize(event.rows, 'row')},"
            f" {group_digits(event.rows_settled)} settled"
            + (
                f"; {group_digits(event.rows_in_doubt)} may have been sent and have no outcome: reading them back first"
                if event.rows_in_doubt
                else ""
            )
        ),
    ),
    events.StageBegan: ("info", lambda event: f"{event.operation}s, {event.stage}: {pluralize(event.rows, 'row')}"),
    events.OutcomeUnknown: (
        "warning",
        lambda event: f"row {event.plan_row_id}: nobody knows whether it was changed ({event.reason}); reading it back",
    ),
    events.RowFailed: (
        "error",
        lambda event: f"row {event.plan_row_id}: {event.outcome} ({event.reason or 'no reason'})",
    ),
    events.WritesHeld: ("warning", lambda event: f"no row is begun for now: {event.reason}"),
    events.WritesGoOn: ("info", lambda event: f"rows are begun again after {format_duration(event.seconds)}"),
    events.Message: ("info", lambda event: event.text),
}
