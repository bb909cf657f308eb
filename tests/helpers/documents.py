"""Holds every ``--json`` document that a test reads to the JSON Schema in the package; writes that file when run."""

import json
from functools import cache
from typing import Any

import jsonschema_rs
import msgspec

from readstate.changes.render.json_document import PlanDocument
from readstate_jobs.help.command import load
from readstate_jobs.help.commands import COMMANDS
from readstate_jobs.output.terminal import Document
from tests.helpers.repository import ROOT

SCHEMA_FILE = ROOT / "jobs" / "readstate_jobs" / "tools" / "documents.schema.json"


def documents() -> list[type[msgspec.Struct]]:
    """Every type of document that a command prints."""
    for name in COMMANDS:
        load(name).job()
    return sorted([PlanDocument, *_described(Document)], key=lambda kind: kind.__name__)


def _described(kind: type[Document]) -> list[type[Document]]:
    more = [found for derived in kind.__subclasses__() for found in _described(derived)]
    return [kind, *more] if "/" in str(kind.__struct_config__.tag) else more


def schema_text() -> str:
    """What the file in the package has to be, without what differs between versions of msgspec."""
    kinds = documents()
    _, found = msgspec.json.schema_components(kinds, schema_hook=lambda _kind: {"description": "Any value."})
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What readstate prints with --json",
        "oneOf": [{"$ref": f"#/$defs/{kind.__name__}"} for kind in kinds],
        "$defs": found,
    }
    return json.dumps(_sorted(schema), indent=1) + "\n"


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
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    for described in schema["$defs"].values():
        if "properties" in described:
            described["additionalProperties"] = False
    if part is not None:
        schema = {"$ref": f"#/$defs/{part}", "$defs": schema["$defs"]}
    return jsonschema_rs.validator_for(schema, validate_formats=True)


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
