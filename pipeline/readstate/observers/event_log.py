"""The log of a run, one line an event: text for people or JSON for log collectors."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

import msgspec

from readstate import events
from readstate.clock import Clock
from readstate.events import Event
from readstate.observers.progress import Progress, eta, progress_line
from readstate.text import escape_control, escape_json, format_duration, group_digits, pluralize

_SECONDS_BETWEEN_PROGRESS = 30.0

_SHOWN_OF_A_KIND = 20
"""A run with thousands of failed users would fill the mail of a scheduler; its results name every one of them."""

Level = Literal["error", "warning", "info", "debug", "trace"]
Write = Callable[[str], None]
"""Writes one line; it comes without its line end."""


class EventLog:
    """Writes a line for each event of at least *level* and, with *prints_progress*, the progress each 30 seconds.

    Of each kind of event about single users, rows or requests, all are written from the level "debug" on only.
    """

    def __init__(
        self,
        write: Write,
        *,
        clock: Clock,
        log_format: Literal["text", "json"],
        prints_progress: bool,
        level: Level = "info",
    ) -> None:
        levels = get_args(Level)
        shown = levels[: levels.index(level) + 1]
        self._lines = {kind: line for kind, line in _LINES.items() if line[0] in shown}
        self._left = {} if "debug" in shown else dict.fromkeys(_OF_SINGLE_THINGS, _SHOWN_OF_A_KIND)
        self._write = write
        self._clock = clock
        self._is_json = log_format == "json"
        self._prints_progress = prints_progress and "info" in shown
        self._progress_printed_at = 0.0

    def observe(self, event: Event) -> None:
        """Write a line about *event* if its type has a text."""
        # Nearly all events are requests and users, of which only failures have a line: one look-up for the rest.
        if (found := self._lines.get(type(event))) is None:
            return
        level, describe = found
        left = self._left.get(type(event), 1)
        if left <= 0:
            return
        facts = msgspec.structs.asdict(event)
        if (headers := facts.pop("headers", None)) is not None:
            facts["request_id"] = headers.get("twilio-request-id")
        message = describe(event)
        request_id = facts.get("request_id")
        if request_id and request_id not in message:
            message = f"{message}, request {request_id}"
        if type(event) in self._left:
            self._left[type(event)] = left - 1
            if left == 1:
                message = f"{message}; further lines like this are only counted (-v prints them)"
        self._line(level, _snake_case(type(event).__name__), message, facts)

    def update(self, now: Progress) -> None:
        """Write the progress if half a minute has passed since it was last written."""
        if self._prints_progress and now.elapsed_seconds - self._progress_printed_at >= _SECONDS_BETWEEN_PROGRESS:
            self._progress_printed_at = now.elapsed_seconds
            self._line("info", "figures", ", ".join(filter(None, (progress_line(now), eta(now)))), _facts(now))

    def close(self) -> None:
        """Do nothing: every line is already written."""

    def _line(self, level: Level, name: str, message: str, facts: Mapping[str, Any]) -> None:
        now = self._clock.now()
        if self._is_json:
            stamp = now.isoformat(timespec="milliseconds")
            line = {"time": stamp, "level": level, "event": name, "message": message, **facts}
            self._write(escape_json(json.dumps(line)))
        else:
            mark = "" if level == "info" else f"{level}: "
            self._write(escape_control(f"{now:%Y-%m-%d %H:%M:%SZ} {mark}{message}"))


def _facts(now: Progress) -> dict[str, Any]:
    """Return *now* as the fields of a JSON line; log collectors rely on their names."""
    counters = now.counters
    return {
        "elapsed_seconds": now.elapsed_seconds,
        "stage": counters.stage,
        "stage_done": counters.stage_done,
        "stage_all": counters.stage_all,
        "outcomes": dict(counters.outcomes),
        "users_done": counters.users_done,
        "users_listed": counters.users_listed,
        "roster_is_complete": counters.roster_is_complete,
        "users_failed": counters.users_failed,
        "rows": counters.all_rows,
        "requests": counters.requests,
        "requests_per_second": now.requests_per_second,
        "throttled": counters.throttled,
        "in_flight": now.in_flight,
        "window": now.window,
        "outage_seconds": now.outage_seconds,
        "trouble": now.last_error,
        "seconds_left": now.seconds_left,
    }


def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


_LINES: Mapping[type, tuple[Level, Callable[[Any], str]]] = {
    events.RunResumed: (
        "info",
        lambda event: (
            f"resuming {event.run_id}: {pluralize(event.users_done, 'user')} done, "
            f"{group_digits(event.users_left)} left, {pluralize(event.rows, 'row')} kept"
        ),
    ),
    events.UsersForeseen: (
        "info",
        lambda event: f"{group_digits(event.users)} users are known from the previous snapshot: reading them first",
    ),
    events.RosterValueUnusable: (
        "warning",
        lambda event: f"users of {event.service}: a {event.field} cannot be used and is left empty: {event.example}",
    ),
    events.RosterComplete: ("info", lambda event: f"{pluralize(event.users, 'user')} to read"),
    events.UserFailed: ("warning", lambda event: f"user {event.user_sid} failed: {event.reason}"),
    events.UserUnknown: (
        "warning",
        lambda event: f"line {event.line} of the users file: Twilio knows no user {event.user_sid}",
    ),
    events.UserVanished: ("debug", lambda event: f"user {event.user_sid} no longer exists"),
    events.UserRead: (
        "trace",
        lambda event: f"user {event.user_sid}: {pluralize(event.rows, 'row')}, {pluralize(event.pages, 'page')}",
    ),
    events.RequestAnswered: (
        "trace",
        lambda event: f"{event.method} answered {event.status} in {event.seconds * 1000:.0f} ms",
    ),
    events.RequestLost: ("debug", lambda event: f"{event.method} {event.path} has no answer: {event.reason}"),
    events.Retried: (
        "debug",
        lambda event: f"{event.method} {event.path}: {event.reason}; again in {format_duration(event.wait_seconds)}",
    ),
    events.PageReread: ("debug", lambda event: f"GET {event.path}: the list has moved, reading it again"),
    events.RetriesExhausted: (
        "warning",
        lambda event: f"gave up {event.method} {event.path} after {event.attempts} attempts: {event.reason}",
    ),
    events.RetryBudgetSpent: (
        "warning",
        lambda event: f"more than {event.retry_share:.0%} of requests are retries: waiting longer before each",
    ),
    events.PageShrunk: ("info", lambda event: f"GET {event.path} keeps failing: asking for {event.page_size} rows"),
    events.WindowFound: ("info", lambda event: f"the account admits about {event.window:.0f} requests at once"),
    events.PauseBegan: ("info", lambda event: f"Twilio requests a pause of {format_duration(event.seconds)}"),
    events.SharedPaceLost: (
        "warning",
        lambda event: (
            f"the rate limit cannot be shared through {event.place}: {event.reason}; "
            "this process keeps to its last share until it can"
        ),
    ),
    events.SharedPaceFound: ("info", lambda event: f"{event.processes} processes share the rate limit again"),
    events.OutageBegan: (
        "warning",
        lambda _: "no request succeeds: waiting for Twilio. To check, in another terminal:  readstate doctor",
    ),
    events.OutageEnded: ("info", lambda event: f"requests succeed again after {format_duration(event.seconds)}"),
    events.UnknownFields: (
        "warning",
        lambda event: f"Twilio sends fields that the schema does not know: {', '.join(event.names)}",
    ),
    events.DuplicatesDropped: (
        "info",
        lambda event: f"{pluralize(event.rows, 'row')} came twice and are kept once",
    ),
    events.ApplyBegan: (
        "info",
        lambda event: (
            f"{event.run_id}, start {event.epoch}: {pluralize(event.rows, 'row')},"
            f" {group_digits(event.rows_settled)} done before"
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
        lambda event: f"row {event.plan_row_id}: unknown whether it was changed ({event.reason}); reading it back",
    ),
    events.RowFailed: (
        "warning",
        lambda event: f"row {event.plan_row_id}: {event.outcome} ({event.reason or 'no reason'})",
    ),
    events.WritesHeld: ("warning", lambda event: f"no new rows are started for now: {event.reason}"),
    events.WritesGoOn: ("info", lambda event: f"starting rows again after {format_duration(event.seconds)}"),
    events.StillWaiting: (
        "warning",
        lambda event: (
            f"nothing has moved for {format_duration(event.seconds)}; waiting for: {'; '.join(event.reasons)}"
        ),
    ),
    events.AnswerAwaited: ("info", lambda event: event.question),
    events.Message: ("info", lambda event: event.text),
}

_OF_SINGLE_THINGS = (
    events.OutcomeUnknown, events.PageShrunk, events.RetriesExhausted, events.RowFailed, events.UserFailed,
    events.UserUnknown,
)  # fmt: skip
