"""What machines read: the types of every ``--json`` document, and a snapshot's manifest. `json_schemas` describes them.

No command imports this: `documents.schema.json` is made from it. Add fields as you like; where one goes, or means
something else, its document gets the next number.
"""

from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict

import msgspec

from readstate.changes.rules.preconditions import RowState
from readstate.input.problems import Problem
from readstate.model.change import Disposition
from readstate.model.guards import Guard
from readstate.model.outcome import Outcome
from readstate.model.plan import InputFacts, PlanRow, RequestEstimate, SelectionFacts
from readstate.probe.finding import Finding
from readstate_jobs.tools.snapshot_documents import Comparison, Estimate, Export, Pruned, Shard, Snapshots


class Problems(TypedDict):
    """The problems of a changes file."""

    errors: int
    warnings: int
    by_code: dict[str, int]
    first: list[Problem]


class Rejected(Problems):
    """Of ``plan`` where lines cannot be used."""

    schema: Literal["rejected/1"]
    rejects: str


class Lint(Problems):
    """Of ``lint``."""

    schema: Literal["lint/1"]
    file: str
    sha256: str
    rows: int
    rejects: str | None


class Plan(TypedDict):
    """Of ``plan``, ``mark-read``, ``undo`` and ``show``."""

    schema: Literal["plan/1"]
    plan_id: str
    plan_sha256: str
    plan_dir: str
    created_at: datetime
    expires_at: datetime
    account_sid: str
    service_sid: str
    base_url: str
    mode: str
    rows: int
    counts: dict[Disposition, int]
    reasons: dict[str, int]
    input: InputFacts
    not_checked: list[str]
    request_estimate: RequestEstimate
    guards: list[Guard]
    selection: SelectionFacts | None
    shown_rows: NotRequired[list[PlanRow]]


class RunFacts(TypedDict):
    """How far a run is."""

    run_id: str
    run_dir: str
    plan_id: str
    counts: dict[Outcome, int]
    stopped: str | None
    results: str
    exit_code: int
    resumable: bool
    next: str | None


class Run(RunFacts):
    """Of ``apply`` and ``resume``."""

    schema: Literal["run/1"]


class Status(RunFacts):
    """Of ``status``."""

    schema: Literal["status/1"]
    state: Literal["running", "finished", "stopped", "killed"]
    epoch: int
    in_doubt: int


class UnfinishedExport(TypedDict):
    """An export, or a shard of one."""

    root: str | None
    run_id: str
    snapshot_date: str
    state: Literal["running", "stopped"]
    users_done: int
    users_listed: int
    list_complete: bool
    users_failed: int
    rows: int
    saved_at: str
    folder: str


class UnfinishedRun(TypedDict):
    """A run that is under way, or was stopped or killed."""

    run_id: str
    plan_id: str
    state: Literal["running", "stopped", "killed"]
    rows_done: int
    rows: int
    in_doubt: int


class WaitingPlan(TypedDict):
    """A plan that no run was begun with."""

    plan_id: str
    plan_dir: str
    updates: int
    deletes: int
    expires_at: str


class Unfinished(TypedDict):
    """Of ``status`` without a RUN."""

    schema: Literal["unfinished/1"]
    exports: list[UnfinishedExport]
    runs: list[UnfinishedRun]
    plans: list[WaitingPlan]


class RefusedRun(TypedDict):
    """Of ``apply`` and ``resume`` where nothing was begun, or an error ended it."""

    schema: Literal["refused_run/1"]
    run_id: str | None
    run_dir: str | None
    plan_id: str | None
    counts: dict[Outcome, int]
    guards: NotRequired[list[Guard]]
    error: str
    exit_code: int
    resumable: bool
    next: str | None


class Difference(TypedDict):
    """A row that does not stand where the run has put it."""

    plan_row_id: int
    user_sid: str
    conversation_sid: str
    standing: RowState


class Verification(TypedDict):
    """Of ``verify``."""

    schema: Literal["verification/1"]
    run_id: str
    run_dir: str
    checked: int
    counts: dict[RowState, int]
    differences: list[Difference]
    exit_code: int


class Forgotten(TypedDict):
    """Of ``forget``."""

    schema: Literal["forgotten/1"]
    forgotten: list[dict[str, Any]]
    locked: list[str]
    exit_code: int


Setting = TypedDict("Setting", {"value": Any, "from": str})
"""A setting, and where it comes from."""


class Settings(TypedDict):
    """Of ``settings``."""

    schema: Literal["settings/1"]
    settings: dict[str, Setting]
    profile: str | None
    twilio: dict[str, Setting]


class Check(TypedDict):
    """The result of one check."""

    subject: str
    good: bool
    text: str
    hint: str | None


class Doctor(TypedDict):
    """Of ``doctor``."""

    schema: Literal["doctor/1"]
    good: bool
    findings: list[Check]


class Probe(TypedDict):
    """Of ``probe``."""

    schema: Literal["probe/1"]
    findings: list[Finding]
    account: dict[str, Any]
    """What ``simulate --like`` reads."""
    requests: int
    ended_by: str | None


DOCUMENTS = (
    Export, Shard, Estimate, Snapshots, Pruned, Comparison, Lint, Rejected, Plan, Run, RefusedRun,
    Status, Unfinished, Verification, Forgotten, Settings, Doctor, Probe,
)  # fmt: skip


def json_schemas() -> dict[str, Any]:
    """Return one JSON Schema for all: a document is of exactly one of them, which its `schema` names."""
    _, found = msgspec.json.schema_components(DOCUMENTS, schema_hook=lambda _kind: {"description": "Any value."})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What readstate prints with --json",
        "oneOf": [{"$ref": f"#/$defs/{document.__name__}"} for document in DOCUMENTS],
        "$defs": found,
    }
