"""What commands say of runs whose shards are staged and not published."""

from typing import Any

from readstate.snapshot.shards.listing import StagedRun


def staged_line(run: StagedRun, root: str) -> str:
    """Say how far a run is, and what to type."""
    if run.is_abandoned:
        what_to_type = f"abandoned, so it goes when snapshots do: readstate snapshots {root} --keep-days 30"
    else:
        what_to_type = f"to publish it, or to see what is missing: readstate publish {root} --run {run.run_id}"
    return (
        f"Run {run.run_id} is staged, not published: {run.completed} of {run.shards} shards finished,"
        f" last written {run.changed_at:%Y-%m-%d %H:%M}; {what_to_type}"
    )


def staged_document(run: StagedRun) -> dict[str, Any]:
    """The same for machines."""
    return {
        "run_id": run.run_id,
        "shards": run.shards,
        "shards_finished": run.completed,
        "changed_at": run.changed_at.isoformat(),
        "abandoned": run.is_abandoned,
    }
