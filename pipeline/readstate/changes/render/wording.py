"""The sentences that several renderings share."""

from readstate.changes.render.summary import Summary, short_sid, spaced
from readstate.model.change import Direction, Disposition
from readstate.text import visible


def made(summary: Summary) -> str:
    """Who made the plan and how long it holds."""
    manifest = summary.manifest
    return (
        f"made {manifest.created_at:%Y-%m-%d %H:%M} UTC by {visible(manifest.planner.os_user)} on"
        f" {visible(manifest.planner.host)}, expires {manifest.expires_at:%Y-%m-%d %H:%M} UTC"
    )


def source(summary: Summary) -> str:
    """What the plan was made from."""
    read = summary.manifest.input
    rejected = f", {spaced(read.rejected_rows)} of them unusable" if read.rejected_rows else ""
    form = f": {read.encoding}, {read.delimiter} delimiter" if read.encoding else ""
    return f"{visible(read.name)}{form}, {spaced(read.rows)} rows{rejected}, sha256 {read.sha256[:12]}…"


def target(summary: Summary) -> str:
    """Where the plan may be applied."""
    where = summary.manifest.target
    return f"account {short_sid(where.account_sid)}  service {short_sid(where.service_sid)}  {where.base_url}"


def breakdown(summary: Summary, disposition: Disposition) -> str:
    """What the rows of one kind are made of."""
    manifest = summary.manifest
    if disposition is Disposition.UPDATE:
        return _updates(summary)
    if disposition is Disposition.DELETE:
        return "cannot be undone: adding a user again makes a new member" if summary.count(disposition) else ""
    parts = [
        f"{reason} {spaced(count)} (line{'s' * (count > 1)} {_lines(manifest.reason_lines.get(reason, ()), count)})"
        for reason, count in manifest.reasons.items()
        if REASON_OF.get(reason) is disposition
    ]
    return "; ".join(parts)


def cost(summary: Summary) -> str:
    """How many requests it takes, and how long."""
    needed = summary.manifest.request_estimate
    return (
        f"planning took {spaced(needed.plan_requests)} requests; applying takes {spaced(needed.apply_requests)}"
        f" and {spaced(needed.verify_requests)} to verify, about {_duration(needed.apply_seconds)}"
        f" at {needed.writes_per_second:g} changes a second"
    )


REASON_OF = {
    "SAME": Disposition.NOOP,
    "DUPLICATE": Disposition.NOOP,
    "EMPTY_CONVERSATION": Disposition.NOOP,
    "ALREADY_FURTHER": Disposition.SATISFIED,
    "REWIND": Disposition.BLOCKED,
    "TIMESTAMP_REWIND": Disposition.BLOCKED,
    "FIRST_SET": Disposition.BLOCKED,
    "BEYOND_LATEST": Disposition.BLOCKED,
    "CLOSED": Disposition.BLOCKED,
    "EXPECTATION_FAILED": Disposition.BLOCKED,
    "CONFLICT": Disposition.CONFLICT,
    "REJECTED": Disposition.INVALID,
    "FUTURE_TIMESTAMP": Disposition.INVALID,
    "USER_NOT_FOUND": Disposition.NOT_FOUND,
    "NOT_A_MEMBER": Disposition.NOT_FOUND,
    "UNREADABLE": Disposition.READ_ERROR,
    "NEWEST_UNKNOWN": Disposition.READ_ERROR,
    "PARTICIPANT_UNKNOWN": Disposition.READ_ERROR,
    "CHANGED_SINCE": Disposition.BLOCKED,
    "NO_UNDO": Disposition.BLOCKED,
}
"""Each reason belongs to one kind of row."""


def _updates(summary: Summary) -> str:
    fields, directions = summary.manifest.fields, summary.manifest.directions
    ways = (Direction.ADVANCE, Direction.FIRST_SET, Direction.REWIND)
    moves = [f"{way.replace('_', ' ')} {spaced(directions[way])}" for way in ways if directions.get(way)]
    parts = [f"{name} {spaced(count)}" for name, count in fields.items() if name != "index"]
    if fields.get("index"):
        parts.insert(0, f"index {spaced(fields['index'])} ({', '.join(moves)})")
    return "; ".join(parts)


def _lines(lines: tuple[int, ...], count: int) -> str:
    return ", ".join(map(str, lines)) + (", …" if count > len(lines) else "")


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.1f} days"
