"""Whether the shards of a run are all there and were told the same; what is said where they are not."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from readstate.errors import BadInput, GuardRefused
from readstate.snapshot.published.schema import SCHEMA_VERSION
from readstate.snapshot.roster.shard import Shard
from readstate.snapshot.shards.staging import STAGING_VERSION, ShardManifest, Staging


def require_all_shards(staging: Staging) -> list[ShardManifest]:
    """Give all shards of a run that was begun, in their order.

    Raises `GuardRefused` where one is missing, and `BadInput` where they were told different things.
    """
    finished = staging.completed()
    known = sorted({*finished, *staging.registered()})
    if not known:
        raise GuardRefused(
            f"run {staging.run_id}: somebody has removed what was staged: nothing published",
            hint=f"Look at what stands: readstate snapshots {staging.store.root}",
        )
    count = _count(staging, known)
    missing = [shard for number in range(1, count + 1) if (shard := Shard(number, count)) not in finished]
    if missing:
        raise GuardRefused(
            f"run {staging.run_id}: {_listed(missing)} not finished, of {count} shards: nothing published",
            hint="\n".join(["To finish:", *(f"  {line}" for line in _lines(staging, missing))]),
        )
    _refuse_disagreement(staging, {shard: _told(manifest) for shard, manifest in finished.items()})
    _refuse_other_versions(staging, finished)
    return list(finished.values())


def require_same_options(staging: Staging, shard: Shard, options: Mapping[str, Any]) -> None:
    """Raise `BadInput` where other shards of the run were begun with other *options* than this one is to have."""
    others = {other: note.options for other, note in staging.registered().items() if other != shard}
    _count(staging, [*others, shard])
    _refuse_disagreement(staging, {**others, shard: options})


def _told(manifest: ShardManifest) -> dict[str, Any]:
    return {
        **manifest.options,
        "account": manifest.account_sid,
    }


def _refuse_other_versions(staging: Staging, finished: Mapping[Shard, ShardManifest]) -> None:
    for shard, manifest in finished.items():
        if (manifest.staging_version, manifest.schema_version) != (STAGING_VERSION, SCHEMA_VERSION):
            raise BadInput(
                f"shard {shard} of run {staging.run_id} was staged by another readstate, {manifest.tool_version}",
                hint="Publish with that version, or run the shard again with this one and --restart.",
            )


def _count(staging: Staging, known: Sequence[Shard]) -> int:
    counts = {shard.count for shard in known}
    if len(counts) > 1:
        raise BadInput(
            f"run {staging.run_id} was divided in different ways: {_listed(sorted(known))}",
            hint="One run has one number of shards. Give the other division a --run of its own.",
        )
    return counts.pop()


def _refuse_disagreement(staging: Staging, told: Mapping[Shard, Mapping[str, Any]]) -> None:
    names = {name: None for options in told.values() for name in options}
    for name in names:
        shards_by_value: dict[str, list[Shard]] = {}
        for shard in sorted(told):
            shards_by_value.setdefault(str(told[shard].get(name)), []).append(shard)
        if len(shards_by_value) > 1:
            said = "; ".join(f"{_listed(shards)}: {value}" for value, shards in shards_by_value.items())
            raise BadInput(
                f"the shards of run {staging.run_id} disagree about {name}: {said}",
                hint="Run those that were told something else again: with the right options, and --restart.",
            )


def _lines(staging: Staging, missing: Sequence[Shard]) -> Iterator[str]:
    commands = {shard: note.command for shard, note in staging.registered().items()}
    anyone = next(iter(commands.values()), ())
    for shard in missing:
        yield shlex.join([*commands.get(shard, anyone), "--shard", str(shard)])


def _listed(shards: Sequence[Shard]) -> str:
    return ", ".join(map(str, shards))
