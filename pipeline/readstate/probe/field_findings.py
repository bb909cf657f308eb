"""Findings about the fields of rows, against Twilio's description: which there are, of which types, and null. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

from readstate.probe.description import DESCRIBED, Described
from readstate.probe.exchange import Exchange
from readstate.probe.finding import Finding, plain_name


def field_findings(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """Decide what the rows say about the description of each resource."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in DESCRIBED}
    for found in exchanges:
        if found.status == 200 and found.about != "latency" and not found.is_stray:
            name = "service_configuration" if found.about == "service_settings" else found.resource
            rows[name] += found.rows if found.is_page else [found.content]
    for name, described in DESCRIBED.items():
        if rows[name]:
            yield _fields(name, described, rows[name])


def _fields(name: str, described: Described, rows: Sequence[dict[str, Any]]) -> Finding:
    unknown = sorted({plain_name(field) for row in rows for field in row if field not in described.known})
    missing = sorted({field for row in rows for field in described.required if field not in row})
    wrong = sorted({problem for row in rows if (problem := described.problem(row))})
    nulls = sorted(
        {field for row in rows for field, value in row.items() if value is None and field in described.known}
    )
    parts = [("unknown", unknown), ("missing", missing), ("of another type", wrong), ("null somewhere", nulls)]
    differs = bool(unknown or missing or wrong)
    return Finding(
        subject=f"{name}: fields",
        assumed="as described",
        seen="; ".join(f"{word}: {', '.join(names)}" for word, names in parts if names) or "as described, never null",
        means="unknown fields are counted and not exported; a row with another type is set apart" if differs else "",
        faults={"extra_fields": True} if unknown else {},
    )
