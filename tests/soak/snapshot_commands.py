"""Exports, shards and retention on a failing disk: what each is tried with, and what must hold afterwards."""

import hashlib
import json
import shutil
from collections.abc import Callable

from readstate.snapshot.published.snapshot import open_snapshot
from tests.helpers.exporting import assert_same, by_key, world_rows
from tests.soak.disk_place import Place, TriedCommand, nothing

_DAY = "2026-11-23"


def _export(place: Place) -> list[str]:
    return ["export", "--out", place.path("root"), "--date", _DAY]


def _export_with_all(place: Place) -> list[str]:
    more = ["--metrics-file", place.path("metrics.prom"), "--shared-pace", place.path("pace"), "--delta"]
    return [*_export(place), *more, "--compare-with", "previous"]


def _export_of(day: str, place: Place) -> None:
    place.succeed("export", "--out", place.path("root"), "--date", day)


def _shard(number: int) -> Callable[[Place], list[str]]:
    return lambda place: [*_export(place), "--shard", f"{number}/2", "--run", "nightly"]


def _publish(place: Place) -> list[str]:
    return ["publish", place.path("root"), "--run", "nightly"]


def _stage(*numbers: int) -> Callable[[Place], None]:
    def stage(place: Place) -> None:
        for number in numbers:
            place.succeed(*_shard(number)(place))

    return stage


def published_is_whole(place: Place) -> None:
    """Require of every snapshot that has a manifest that its files are those that the manifest names, and all rows."""
    root = place.folder / "root"
    for path in sorted((root / "_snapshots").glob("[0-9]*.json")):
        for file in json.loads(path.read_bytes())["files"]:
            content = (root / file["path"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == file["sha256"], f"{file['path']} is damaged"
        snapshot = open_snapshot(str(root), path.stem)
        assert_same(by_key(snapshot.dataset().to_table().to_pylist()), world_rows(place.twilio))


def _is_published(place: Place) -> None:
    root = place.folder / "root"
    assert (root / "_snapshots" / f"{_DAY}.json").exists(), "it said that it was done, and there is no snapshot"
    published_is_whole(place)
    _nothing_else(place)


def _nothing_else(place: Place) -> None:
    """Require that the next command of the root leaves nothing but snapshots."""
    place.succeed(*_export(place))
    root = place.folder / "root"
    named = {root / file["path"] for path in (root / "_snapshots").glob("*.json")
             for file in json.loads(path.read_bytes())["files"]}  # fmt: skip
    left = [
        path for path in sorted(root.rglob("*"))
        if path.is_file() and path not in named and path.parent.name not in {"_snapshots", "_delta_log"}
    ]  # fmt: skip
    left = [path for path in left if path.name.startswith(".") or root / "changes" not in path.parents]
    left += [path for name in ("exports", "shards") for path in (place.folder / "work" / name).glob("*")]
    assert not left, f"left behind: {', '.join(str(path.relative_to(place.folder)) for path in left)}"


def _kept_one(place: Place) -> None:
    assert [path.stem for path in (place.folder / "root" / "_snapshots").glob("[0-9]*.json")] == [_DAY]
    # Not `_nothing_else`: files that lost their manifest first are orphans, which a pruning removes after a day.
    published_is_whole(place)


def _shard_is_staged(place: Place) -> None:
    place.succeed(*_shard(1)(place))  # again, which removes what the disk did not let go
    output = place.run(*_publish(place))
    assert output.code == 0, f"the shard was done, and publish ended with {output.code}: {output.stderr}"
    _is_published(place)


def _publishes_no_half(place: Place) -> None:
    published_is_whole(place)
    copy = place.folder.with_name("early")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(place.folder, copy)
    early = Place(copy, place.disk, place.twilio)
    output = early.run(*_publish(early))
    assert output.code in {0, 10, 11}, f"publishing early ended with {output.code}: {output.stderr}"
    published_is_whole(early)


def _reading(*words: str) -> TriedCommand:
    """Return a command that reads two snapshots, and may write an output."""

    def prepare(place: Place) -> None:
        for day in ("2026-11-22", _DAY):
            _export_of(day, place)

    return TriedCommand(
        " ".join(words[:2] if words[0] == "snapshots" else words[:1]),
        lambda place: [word.format(folder=place.folder) for word in words],
        nothing,
        published_is_whole,
        prepare=prepare,
    )


SNAPSHOT_COMMANDS = (
    TriedCommand("export", _export, _is_published, published_is_whole),
    TriedCommand(
        "export of a published date", lambda place: [*_export(place), "--again"], _is_published, published_is_whole,
        prepare=lambda place: _export_of(_DAY, place),
    ),
    TriedCommand(
        "export after a kill", _export, _is_published, published_is_whole,
        prepare=lambda place: place.kill(_export(place), "write", "work/exports/*/checkpoint.sqlite-wal", 80),
    ),
    TriedCommand(
        "export with all that it may write", _export_with_all, _is_published, published_is_whole,
        prepare=lambda place: _export_of("2026-11-22", place),
    ),
    TriedCommand("shard", _shard(1), _shard_is_staged, _publishes_no_half, prepare=_stage(2)),
    TriedCommand("publish", _publish, _is_published, published_is_whole, prepare=_stage(1, 2)),
    TriedCommand(
        "keep", lambda place: ["snapshots", place.path("root"), "--keep", "1", "--yes"], _kept_one, published_is_whole,
        prepare=lambda place: [_export_of(day, place) for day in ("2026-11-21", "2026-11-22", _DAY)],
    ),
    _reading("snapshots", "--verify", "{folder}/root"),
    _reading("compare", "{folder}/root"),
    _reading("sql", "{folder}/root", "select count(*) from user_conversations"),
    _reading("report", "{folder}/root", "--out", "{folder}/report.html"),
)  # fmt: skip
