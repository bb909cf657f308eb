"""What machines read is as the JSON Schema in the package says; `CommandOutput.document` holds every test to it."""

import json
from pathlib import Path

import jsonschema_rs
import pytest

from tests.helpers.cli_shell import succeed
from tests.helpers.documents import SCHEMA_FILE, documents, require_described, schema_text
from tests.helpers.exporting import DAY
from tests.helpers.snapshots import publish, row


def test_the_file_in_the_package_is_made_from_the_types() -> None:
    wanted = schema_text()

    assert SCHEMA_FILE.read_text(encoding="utf-8") == wanted, "to write it: python -m tests.helpers.documents"


def test_the_command_prints_a_schema_that_names_every_version_once() -> None:
    schema = succeed("schema").document
    versions = [schema["$defs"][kind.__name__]["properties"]["schema"]["enum"] for kind in documents()]

    jsonschema_rs.meta.validate(schema)
    assert len({name for (name,) in versions}) == len(versions) == len(schema["oneOf"])


def test_the_manifest_of_a_snapshot_is_described(tmp_path: Path) -> None:
    publish(tmp_path, DAY, [row(1, 1)])

    require_described(json.loads((tmp_path / f"_snapshots/{DAY}.json").read_text()), "Manifest")


def test_a_field_that_is_not_described_is_found() -> None:
    document = {"schema": "doctor/1", "good": True, "findings": []}
    require_described(document)

    for changed in (document | {"more": 1}, document | {"schema": "doctor/2"}, {"good": True, "findings": []}):
        with pytest.raises(jsonschema_rs.ValidationError):
            require_described(changed)
