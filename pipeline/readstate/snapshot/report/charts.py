"""The charts of a report about a snapshot; each has its finding as the title."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date

from readstate.html.axes import date_axis, time_axis
from readstate.html.charts import Chart, Series, bars, lines, stacked_bars
from readstate.html.render import format_number, format_share
from readstate.snapshot.compare.compare import Comparison
from readstate.snapshot.published.manifest import Manifest, TimelineWindow
from readstate.snapshot.report.statistics import AGES, BUCKETS, ReadStates, Statistics
from readstate.snapshot.workspace.timeline import concatenate, downsample
from readstate.text import escape_control, short_sid

_MOST_POINTS = 120
_FEWEST_POINTS = 6
"""Fewer make no line that shows anything."""
_BUCKET_COLOURS = ("never", "read", *["unread"] * 4, "cap")
_AGE_COLOURS = ("read", "unread", "unread", "cap", "never")
_LINE_COLOURS = ("unread", "read", "doubt", "other", "cap")
_DATES = "date of the snapshot"
_MEMBERSHIPS = "memberships"


def state_charts(found: Statistics, names: Mapping[str, str]) -> Iterator[Chart]:
    """Yield the charts of one snapshot; *names* has those of the services."""
    if not found.all_rows.rows:
        return
    worst = max(found.by_state, key=lambda group: group.unread)
    yield _by_group(
        f"Most unread memberships are in conversations that are {escape_control(worst.group)}:"
        f" {format_number(worst.unread)}"
        if worst.unread
        else "No membership has unread messages",
        [group.group for group in found.by_state],
        found.by_state,
        name="read states by state",
    )
    if len(found.by_service) > 1:
        most = max(found.by_service, key=lambda group: group.rows)
        yield _by_group(
            f"The largest of {len(found.by_service)} services, {names[most.group]}, holds"
            f" {format_share(most.rows, found.all_rows.rows)} of all memberships",
            [names[group.group] for group in found.by_service],
            found.by_service,
            name="read states by service",
        )
    capped = found.unread_counts[-1]
    yield bars(
        f"{format_number(capped)} memberships are at the cap: they hold 1000 unread messages or more"
        if capped
        else "No membership is at the cap of 1000 unread messages",
        BUCKETS,
        Series(_MEMBERSHIPS, "unread", found.unread_counts),
        axis="unread messages",
        name="unread counts",
        unit=_MEMBERSHIPS,
        colours=_BUCKET_COLOURS,
    )
    if found.all_rows.unread:
        yield _ages(found)


def trend_charts(found: Statistics, names: Mapping[str, str]) -> Iterator[Chart]:
    """Yield the charts over all snapshots up to the one reported."""
    if len(found.by_day) < 2:
        return
    first, last = found.by_day[0], found.by_day[-1]
    dates = date_axis(_DATES, [date.fromisoformat(group.group) for group in found.by_day])
    number = f"in {len(found.by_day)} snapshots"
    yield lines(
        f"Unread memberships went from {format_number(first.unread)} to {format_number(last.unread)} {number}",
        dates,
        _series(found.by_day),
        name="read states by day",
        unit=_MEMBERSHIPS,
    )
    yield lines(
        f"Unread messages went from {format_number(first.unread_messages)} to {format_number(last.unread_messages)}"
        f" {number}",
        dates,
        [Series("unread messages", "unread", [group.unread_messages for group in found.by_day])],
        name="unread messages by day",
        unit="messages",
    )
    if found.by_day_and_service:
        largest = sorted(found.by_service, key=lambda group: -group.unread)[: len(_LINE_COLOURS)]
        unread = {(day, group.group): group.unread for day, group in found.by_day_and_service}
        yield lines(
            f"The service with the most unread memberships is {names[largest[0].group]}",
            dates,
            [
                Series(names[one.group], colour, [unread.get((day.group, one.group)) for day in found.by_day])
                for one, colour in zip(largest, _LINE_COLOURS, strict=False)
            ],
            name="unread by service and day",
            unit="unread memberships",
        )


def change_charts(comparison: Comparison) -> Iterator[Chart]:
    """Yield which way the rows went that changed since the snapshot before."""
    found = comparison.user_conversations
    ways = {
        "read on": ("read", found.rose["last_read_message_index"]),
        "read for the first time": ("read", found.first_set["last_read_message_index"]),
        "set back": ("cap", found.fell["last_read_message_index"]),
        "more unread messages": ("unread", found.rose["unread_messages_count"]),
        "fewer unread messages": ("never", found.fell["unread_messages_count"]),
    }
    if not any(rows for _, rows in ways.values()):
        return
    read = ways["read on"][1] + ways["read for the first time"][1]
    yield bars(
        f"Since {comparison.before.snapshot_date}, users have read further in {format_number(read)} memberships, and"
        f" {format_number(ways['more unread messages'][1])} have more unread messages",
        list(ways),
        Series(_MEMBERSHIPS, "read", [rows for _, rows in ways.values()]),
        axis="",
        name="changes",
        unit="memberships; one may count twice",
        colours=[colour for colour, _ in ways.values()],
    )


def service_names(manifest: Manifest, found: Statistics) -> dict[str, str]:
    """Return how each service is called: by its name, with the SID where that is not unique, or by its SID."""
    known = {service.chat_service_sid: service.friendly_name for service in manifest.services}
    shared = [*known.values()]
    groups = [*(group.group for group in found.by_service), *(group.group for _, group in found.by_day_and_service)]
    return {sid: _service_name(sid, known.get(sid), shared) for sid in [*known, *groups]}


def _service_name(sid: str, name: str | None, others: Sequence[str | None]) -> str:
    if not name:
        return escape_control(short_sid(sid))
    return escape_control(name if others.count(name) == 1 else f"{short_sid(sid)} {name}")


def _ages(found: Statistics) -> Chart:
    unread, old = found.all_rows.unread, found.unread_ages[AGES.index("older")]
    shown = [place for place, age in enumerate(AGES) if age != "no date" or found.unread_ages[place]]
    return bars(
        f"{format_share(old, unread)} of the unread memberships were last updated more than 30 days ago",
        [AGES[place] for place in shown],
        Series("unread memberships", "unread", [found.unread_ages[place] for place in shown]),
        axis="conversation updated",
        name="ages of unread",
        unit="unread memberships",
        colours=[_AGE_COLOURS[place] for place in shown],
    )


def _by_group(title: str, names: Sequence[str], groups: Sequence[ReadStates], *, name: str) -> Chart:
    return stacked_bars(title, [escape_control(one) for one in names], _series(groups), name=name, unit=_MEMBERSHIPS)


def _series(groups: Sequence[ReadStates]) -> list[Series]:
    return [
        Series("read", "read", [group.read for group in groups]),
        Series("unread", "unread", [group.unread for group in groups]),
        Series("never read", "never", [group.never_read for group in groups]),
    ]


def run_charts(manifest: Manifest) -> Iterator[Chart]:
    """Yield what the engine did over time; nothing where the run was too short for a line."""
    if len(manifest.timeline) < _FEWEST_POINTS:
        return
    windows = list(_with_pauses(downsample(manifest.timeline, most=_MOST_POINTS)))
    began = manifest.timeline[0].begins_at
    times = time_axis("since the run began", [(one.begins_at - began).total_seconds() for one, _ in windows])

    def points(value: Callable[[TimelineWindow], float]) -> list[float | None]:
        return [value(one) if works else None for one, works in windows]

    yield lines(
        f"{format_number(manifest.requests.throttled)} of {format_number(manifest.requests.requests)} requests were"
        " refused (429) and sent again",
        times,
        [
            Series("requests", "read", points(lambda one: one.requests / max(one.seconds, 0.001))),
            Series("refused (429)", "cap", points(lambda one: one.throttled / max(one.seconds, 0.001))),
        ],
        name="requests",
        unit="per second",
    )
    yield lines(
        f"At most {format_number(max(one.in_flight for one in manifest.timeline))} requests were in flight at once",
        times,
        [
            Series("in flight", "unread", points(lambda one: one.in_flight)),
            Series("allowed", "never", points(lambda one: one.allowed)),
        ],
        name="requests in flight",
        unit="requests at most",
    )


def _with_pauses(windows: Sequence[TimelineWindow]) -> Iterator[tuple[TimelineWindow, bool]]:
    """Yield *windows* with True, and with False once more where a pause follows: no process worked on the run then.

    Short windows at the ends of a start are merged.
    """
    usual = max(window.seconds for window in windows)
    held: TimelineWindow | None = None
    for window in windows:
        if held is None:
            held = window
        elif (window.begins_at - held.begins_at).total_seconds() > 2 * usual + held.seconds:
            yield from ((held, True), (held, False))
            held = window
        elif min(held.seconds, window.seconds) < usual / 4:
            held = concatenate(held, window)
        else:
            yield held, True
            held = window
    if held is not None:
        yield held, True
