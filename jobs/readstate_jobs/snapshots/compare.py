"""``readstate compare``: what changed between two snapshots."""

from datetime import date
from pathlib import Path

import msgspec

from readstate.errors import BadInput, ExitCode
from readstate.snapshot.compare.compare import Comparison, compare, compare_with_previous
from readstate.snapshot.compare.diff import DiffCounts
from readstate.snapshot.published.manifest import partition
from readstate.snapshot.published.snapshot import open_snapshot
from readstate.snapshot.published.snapshot_store import SnapshotStore
from readstate.text import group_digits
from readstate_jobs.output.messages import command_line
from readstate_jobs.output.terminal import emit, print_line, print_table
from readstate_jobs.snapshots.export_output import Changes, ComparedSnapshot, ComparisonDocument, DatasetComparison


def carry_out(*, root: str, earlier: date | None, later: date | None, out: Path | None, as_json: bool) -> int:
    """Carry out ``readstate compare`` and return its exit code."""
    after = open_snapshot(root, later)
    day = after.manifest.snapshot_date
    before = open_snapshot(root, earlier or _date_before(after.store, day))
    comparison = compare(before, after, feed=out)
    emit(_document(comparison, root, out), lambda: _show(comparison, out), as_json=as_json)
    return ExitCode.DONE


def _date_before(store: SnapshotStore, day: date) -> date:
    earlier = store.date_before(day)
    if earlier is None:
        raise BadInput(
            f"{store.root}: there is no snapshot before {day} to compare with",
            hint=f"Export again on another day, or name two dates; readstate snapshots {store.root} lists them.",
        )
    return earlier


def publish_changes(root: str, day: date) -> Changes | None:
    """Publish what changed between the snapshot before that of *day* and it; return None if it is the first."""
    comparison = compare_with_previous(open_snapshot(root, day))
    if comparison is None:
        command_line().print_message(f"There is no snapshot before {day} to compare with.")
        return None
    feed = f"{root}/{partition('changes', day)}"
    return _document(comparison, root, feed), lambda: _show(comparison, feed)


def _show(comparison: Comparison, out: Path | str | None) -> None:
    """Print what changed; *out* is the file that lists every change."""
    datasets = {"memberships": comparison.user_conversations, "users": comparison.users}
    columns = [_numbers(found, comparison) for found in datasets.values()]
    print_table(
        [[name.replace("_", " "), *(group_digits(column[name]) for column in columns)] for name in columns[0]],
        header=["rows", *datasets],
        title=f"From {comparison.before.snapshot_date} to {comparison.after.snapshot_date}",
    )
    fields = [
        [name, field, group_digits(rows)]
        for name, found in datasets.items()
        for field, rows in found.fields.most_common()
    ]
    if fields:
        print_table(fields, header=["of", "field", "rows changed"])
    if comparison.comparability.reasons:
        print_line(f"Some additions or removals are unknown: {'; '.join(comparison.comparability.reasons)}.")
    if comparison.fields_left_out:
        print_line(f"Not compared, because one of the two left them empty: {', '.join(comparison.fields_left_out)}.")
    if out is not None:
        print_line(f"Every change is in {out}")


def _numbers(found: DiffCounts, comparison: Comparison) -> dict[str, int]:
    """Return the counts of one dataset; counts of unknown changes appear only where changes can be unknown."""
    known = comparison.comparability
    return {
        "before": found.before,
        "after": found.after,
        **({"added": found.added} if known.additions_known else {"addition_unknown": found.addition_unknown}),
        **({"removed": found.removed} if known.removals_known else {"removal_unknown": found.removal_unknown}),
        "changed": found.changed,
        "unchanged": found.unchanged,
    }


def _document(comparison: Comparison, root: str, out: Path | str | None) -> ComparisonDocument:
    """Return the comparison as a JSON document."""
    known = comparison.comparability
    return ComparisonDocument(
        root=root,
        before=msgspec.convert(comparison.before, ComparedSnapshot, from_attributes=True),
        after=msgspec.convert(comparison.after, ComparedSnapshot, from_attributes=True),
        removals_known=known.removals_known,
        additions_known=known.additions_known,
        unknown_because=list(known.reasons),
        fields_left_out=list(comparison.fields_left_out),
        user_conversations=msgspec.convert(comparison.user_conversations, DatasetComparison, from_attributes=True),
        users=msgspec.convert(comparison.users, DatasetComparison, from_attributes=True),
        feed=None if out is None else str(out),
    )
