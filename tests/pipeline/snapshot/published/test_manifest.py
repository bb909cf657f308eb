import pytest

from readstate.errors import BadInput
from readstate.snapshot.published.manifest import decode_manifest, encode_manifest
from tests.helpers.snapshots import manifest


def test_a_manifest_is_read_back_as_it_was_written() -> None:
    assert decode_manifest(encode_manifest(manifest()), where="here") == manifest()


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]", b'{"schema_version": "x"}'])
def test_a_damaged_manifest_is_named(text: bytes) -> None:
    with pytest.raises(BadInput, match="here: not a snapshot's manifest"):
        decode_manifest(text, where="here")


def test_a_manifest_of_a_newer_readstate_asks_for_an_upgrade() -> None:
    text = encode_manifest(manifest()).replace(b'"manifest_version": 1', b'"manifest_version": 99')

    with pytest.raises(BadInput, match="Upgrade readstate"):
        decode_manifest(text, where="here")
