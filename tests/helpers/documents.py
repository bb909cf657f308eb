"""Holds every ``--json`` document that a test reads to the JSON Schema in the package; writes that file when run."""

import json
from functools import cache
from typing import Any

import jsonschema_rs

from readstate_jobs.tools.documents import json_schemas
from tests.helpers.repository import ROOT

SCHEMA_FILE = ROOT / "jobs" / "readstate_jobs" / "tools" / "documents.schema.json"


def schema_text() -> str:
    """What the file in the package has to be, without what differs between versions of msgspec."""
    return json.dumps(_sorted(json_schemas()), indent=1) + "\n"


def _sorted(schema: Any) -> Any:
    match schema:
        case {"anyOf": list(alternatives)}:
            return schema | {"anyOf": sorted(map(_sorted, alternatives), key=str)}
        case dict():
            return {name: _sorted(part) for name, part in schema.items() if name != "propertyNames"}
        case list():
            return [_sorted(part) for part in schema]
        case _:
            return schema


def require_described(document: object, part: str | None = None) -> None:
    """Fail unless the schema describes *document*, with every field of it; *part* is that of a manifest."""
    _validator(part).validate(document)


@cache
def _validator(part: str | None) -> Any:
    schema = json_schemas()
    for described in schema["$defs"].values():
        if "properties" in described:
            described["additionalProperties"] = False
    if part is not None:
        schema = {"$ref": f"#/$defs/{part}", "$defs": schema["$defs"]}
    return jsonschema_rs.validator_for(schema, validate_formats=True)


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
