"""Checks that all shards of a run are complete and were run with the same options."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from readstate.errors import BadInput, GuardRefused
from readstate.snapshot.published.schema import SCHEMA_VERSION
from readstate.snapshot.roster.shard import Shard
from readstate.snapshot.shards.staging import STAGING_VERSION, ShardManifest, Staging


def require_all_shards(staging: Staging) -> list[ShardManifest]:
    """Return all shards of a run, in their order.

    Raise `GuardRefused` where one is missing, and `BadInput` where they were run with different options.
    """
    completed = staging.completed()
    known = sorted({*completed, *staging.registered()})
    if not known:
        raise GuardRefused(
            f"run {staging.run_id}: its staged files were removed meanwhile: nothing published",
            hint=f"See what is published: readstate snapshots {staging.store.root}",
        )
    count = _shard_count(staging, known)
    missing = [shard for number in range(1, count + 1) if (shard := Shard(number, count)) not in completed]
    if missing:
        raise GuardRefused(
            f"run {staging.run_id}: {_joined(missing)} not finished, of {count} shards: nothing published",
            hint="\n".join(["To finish:", *(f"  {command}" for command in _resume_commands(staging, missing))]),
        )
    options = {
        shard: {**manifest.options, "account": manifest.draft.account_sid} for shard, manifest in completed.items()
    }
    _require_agreement(staging, options)
    _require_this_version(staging, completed)
    return list(completed.values())


def require_same_options(staging: Staging, shard: Shard, options: Mapping[str, Any]) -> None:
    """Raise `BadInput` where other shards of the run were begun with other *options*."""
    others = {other: registration.options for other, registration in staging.registered().items() if other != shard}
    _shard_count(staging, [*others, shard])
    _require_agreement(staging, {**others, shard: options})


def _require_this_version(staging: Staging, completed: Mapping[Shard, ShardManifest]) -> None:
    for shard, manifest in completed.items():
        if (manifest.staging_version, manifest.draft.schema_version) != (STAGING_VERSION, SCHEMA_VERSION):
            raise BadInput(
                f"shard {shard} of run {staging.run_id} was staged by another readstate, {manifest.draft.tool_version}",
                hint="Publish with that version, or run the shard again with this one and --restart.",
            )


def _shard_count(staging: Staging, known: Sequence[Shard]) -> int:
    counts = {shard.count for shard in known}
    if len(counts) > 1:
        raise BadInput(
            f"run {staging.run_id} was divided in different ways: {_joined(sorted(known))}",
            hint="All shards of a run have the same count. Use another --run for the other division.",
        )
    return counts.pop()


def _require_agreement(staging: Staging, options_by_shard: Mapping[Shard, Mapping[str, Any]]) -> None:
    names = {name: None for options in options_by_shard.values() for name in options}
    for name in names:
        shards_by_value: dict[str, list[Shard]] = {}
        for shard in sorted(options_by_shard):
            shards_by_value.setdefault(str(options_by_shard[shard].get(name)), []).append(shard)
        if len(shards_by_value) > 1:
            values = "; ".join(f"{_joined(shards)}: {value}" for value, shards in shards_by_value.items())
            raise BadInput(
                f"the shards of run {staging.run_id} disagree about {name}: {values}",
                hint="Run those with the wrong value again: with the right options, and --restart.",
            )


def _resume_commands(staging: Staging, missing: Sequence[Shard]) -> Iterator[str]:
    commands = {shard: registration.command for shard, registration in staging.registered().items()}
    # A shard that never began has registered no command; those of all shards differ in --shard alone.
    any_command = next(iter(commands.values()), ())
    for shard in missing:
        yield shlex.join([*commands.get(shard, any_command), "--shard", str(shard)])


def _joined(shards: Sequence[Shard]) -> str:
    return ", ".join(map(str, shards))
