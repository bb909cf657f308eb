import pytest

from readstate.errors import BadInput
from readstate.snapshot.roster.shard import Shard
from readstate.snapshot.shards.staging import Staging
from tests.helpers.staged_shards import complete


def test_a_complete_shard_is_found_as_it_was_written(staging: Staging) -> None:
    manifest = complete(staging, Shard(2, 3))

    assert staging.completed() == {Shard(2, 3): manifest}
    assert staging.manifest(Shard(2, 3)) == manifest
    assert staging.manifest(Shard(1, 3)) is None


def test_a_document_that_cannot_be_read_is_named(staging: Staging) -> None:
    staging.store.objects.put_bytes(b"{}", staging.path(Shard(1, 2), "shard.json"))

    with pytest.raises(BadInput, match=r"nightly/1-of-2/shard\.json: not of this version"):
        staging.completed()
