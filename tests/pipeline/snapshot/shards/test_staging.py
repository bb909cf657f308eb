import pytest
from msgspec.structs import replace

from readstate.errors import BadInput
from readstate.snapshot.roster.shard import Shard
from readstate.snapshot.shards.staging import StagedFile, Staging
from tests.helpers.staged_shards import complete, register


def test_a_complete_shard_is_found_as_it_was_written(staging: Staging) -> None:
    manifest = complete(staging, Shard(2, 3))

    assert staging.completed() == {Shard(2, 3): manifest}
    assert staging.manifest(Shard(2, 3)) == manifest
    assert staging.manifest(Shard(1, 3)) is None


def test_a_document_that_cannot_be_read_is_named(staging: Staging) -> None:
    staging.store.objects.put_bytes(b"{}", staging.path(Shard(1, 2), "shard.json"))

    with pytest.raises(BadInput, match=r"nightly/1-of-2/shard\.json: not of this version"):
        staging.completed()


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "_staging/nightly/1-of-2/../../../x",
        "_staging/other/1-of-2/part-0123456789abcdef.arrow",
        "_staging/nightly/1-of-2/..",
    ],
)
def test_a_shard_that_names_files_of_others_is_not_used(staging: Staging, path: str) -> None:
    shard = Shard(1, 2)
    named = replace(complete(staging, shard), files=(StagedFile(path, "part", 1, ""),))
    staging.complete(named)

    for read in (staging.completed, lambda: staging.manifest(shard)):
        with pytest.raises(BadInput, match=r"shard\.json: names .* not as readstate wrote it"):
            read()


@pytest.mark.parametrize("changes", [{"run_id": "../../x"}, {"run_id": "other"}])
def test_a_shard_of_another_run_is_not_used(staging: Staging, changes: dict[str, str]) -> None:
    complete(staging, Shard(1, 2), **changes)

    with pytest.raises(BadInput, match="names shard 1/2 of run"):
        staging.completed()


def test_only_an_export_is_shown_to_be_typed(staging: Staging) -> None:
    register(staging, Shard(1, 2), command=("rm", "-rf", "/"))

    with pytest.raises(BadInput, match="a command that is no export"):
        staging.registered()
