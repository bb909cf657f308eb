"""The sentences that several renderings share."""

from readstate.changes.render.summary import Summary
from readstate.model.change import Direction, Disposition, Reason
from readstate.text import escape_control, format_duration, group_digits

_PLURALS = {"timestamp": "timestamps", "level": "notification levels"}


def made(summary: Summary) -> str:
    """Return who made the plan, and until when it is valid."""
    manifest = summary.manifest
    return (
        f"made {manifest.created_at:%Y-%m-%d %H:%M} UTC by {escape_control(manifest.planner.os_user)} on"
        f" {escape_control(manifest.planner.host)}, expires {manifest.expires_at:%Y-%m-%d %H:%M} UTC"
    )


def source(summary: Summary) -> str:
    """Return what the plan was made from."""
    read = summary.manifest.input
    rejected = f", {group_digits(read.rejected_rows)} of them unusable" if read.rejected_rows else ""
    form = f": {read.encoding}, {read.delimiter} delimiter" if read.encoding else ""
    return f"{escape_control(read.name)}{form}, {group_digits(read.rows)} rows{rejected}, sha256 {read.sha256[:12]}…"


def target(summary: Summary) -> str:
    """Return where the plan may be applied."""
    where = summary.manifest.target
    return f"account {where.account_sid}  service {where.service_sid}  {where.base_url}"


def breakdown(summary: Summary, disposition: Disposition) -> str:
    """Return what the rows of one disposition consist of."""
    manifest = summary.manifest
    if disposition is Disposition.UPDATE:
        return _updates(summary)
    if disposition is Disposition.DELETE:
        return "cannot be undone: adding the user again makes a new member" if summary.count(disposition) else ""
    lines = manifest.reason_lines
    parts = [
        f"{reason} {group_digits(count)} (line{'s' * (count > 1)} {_lines(lines.get(reason, ()), count)})"
        for reason, count in manifest.reasons.items()
        if Reason[reason].disposition is disposition
    ]
    return "; ".join(parts)


def undo(summary: Summary) -> str:
    """Return how many changes have no full undo; empty where all have."""
    facts = summary.manifest.guard_inputs
    if not facts.not_fully_undoable:
        return ""
    changes = group_digits(facts.updates + facts.deletes)
    return f"{group_digits(facts.not_fully_undoable)} of {changes} changes cannot be undone, or only in part"


def cost(summary: Summary) -> str:
    """Return how many requests planning took and applying takes, and how long."""
    needed = summary.manifest.request_estimate
    return (
        f"planning took {group_digits(needed.plan_requests)} requests; applying takes"
        f" {group_digits(needed.apply_requests)} and {group_digits(needed.verify_requests)} to verify,"
        f" about {format_duration(needed.apply_seconds)} at {needed.writes_per_second:g} changes a second"
    )


def _updates(summary: Summary) -> str:
    fields, directions = summary.manifest.fields, summary.manifest.directions
    ways = (Direction.ADVANCE, Direction.FIRST_SET, Direction.REWIND)
    moves = [f"{way.replace('_', ' ')} {group_digits(directions[way])}" for way in ways if directions.get(way)]
    parts = [f"{_PLURALS[name]}: {group_digits(count)}" for name, count in fields.items() if name != "index"]
    if fields.get("index"):
        parts.insert(0, f"read horizons: {group_digits(fields['index'])} ({', '.join(moves)})")
    return "; ".join(parts)


def _lines(lines: tuple[int, ...], count: int) -> str:
    return ", ".join(map(str, lines)) + (", …" if count > len(lines) else "")
