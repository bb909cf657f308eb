"""A plan: its rows, its manifest, and the target that it is bound to."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from readstate.model.guards import GuardInputs

PLAN_SCHEMA_VERSION = 2
"""2: the rows are sealed by the sha256 of their file, and have no chunk_no and no before_known_mask."""


class Mode(StrEnum):
    """How strictly an update insists on what the plan saw."""

    ADVANCE = "advance"
    """A horizon may have moved meanwhile, as long as ours is still ahead of it."""
    EXACT = "exact"
    """Each field that is set must still be as the plan saw it."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where a plan may be applied, and nowhere else."""

    account_sid: str
    service_sid: str
    base_url: str


class PlanRow(msgspec.Struct, frozen=True, gc=False):
    """One line of the changes file and what would be done about it; a field is a column of ``rows.parquet``."""

    plan_row_id: int
    input_line: int
    input_line_end: int
    row_key: str | None
    note: str | None
    user_input: str
    conversation_input: str
    user_sid: str | None
    conversation_sid: str | None
    participant_sid: str | None
    op: str
    disposition: str
    reason_code: str | None
    reason_detail: str | None
    direction: str
    fields_mask: int
    before_index: int | None
    before_timestamp: datetime | None
    before_level: str | None
    unread_before: int | None
    conversation_state: str | None
    newest_index: int | None
    read_at: datetime | None
    read_source: str | None
    set_index: int | None
    set_timestamp: datetime | None
    set_level: str | None
    pre_kind: str
    pre_index: int | None
    pre_level: str | None
    pre_participant_sid: str | None
    user_expect_json: str | None
    undo_class: str | None
    undo_note: str | None


class InputFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The changes file that a plan was made from."""

    name: str
    size: int = 0
    sha256: str
    encoding: str = ""
    delimiter: str = ""
    header: tuple[str, ...] = ()
    rows: int
    rejected_rows: int = 0
    warnings: int = 0


class Planner(msgspec.Struct, frozen=True, kw_only=True):
    """Who made a plan, and where."""

    os_user: str
    host: str
    ci_url: str | None = None


class RequestEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """What planning cost and what applying will cost, in requests and seconds."""

    plan_requests: int
    apply_requests: int
    verify_requests: int
    writes_per_second: float
    apply_seconds: float


class PlanHeader(msgspec.Struct, frozen=True, kw_only=True):
    """What every version of a manifest has."""

    plan_id: str = ""
    created_at: datetime
    planner: Planner
    account_sid: str
    service_sid: str
    base_url: str
    rows: int

    @property
    def target(self) -> Target:
        return Target(account_sid=self.account_sid, service_sid=self.service_sid, base_url=self.base_url)


class Manifest(PlanHeader, frozen=True, kw_only=True):
    """All of a plan but its rows; holds no secret."""

    schema_version: int = PLAN_SCHEMA_VERSION
    plan_sha256: str = ""
    """Over the other fields of this manifest."""
    rows_sha256: str
    """Of the file that holds the rows."""
    attachments: dict[str, str]
    """For each further file of the plan, the sha256 of its content before compression."""
    expires_at: datetime
    server_date_offset_s: float
    tool_version: str
    api_key_sid_suffix: str
    via: str
    """What made the plan: a changes file, a selection, an undo."""
    mode: Mode
    counts: dict[str, int]
    """Rows by disposition."""
    reasons: dict[str, int]
    """Rows by reason, for those that are not carried out."""
    reason_lines: dict[str, tuple[int, ...]]
    """The first lines of each reason."""
    directions: dict[str, int]
    """Updates by where they move the read horizon."""
    fields: dict[str, int]
    """Updates by the fields that they set; one may set several."""
    guard_inputs: GuardInputs
    input: InputFacts
    options: dict[str, Any]
    not_checked: tuple[str, ...]
    request_estimate: RequestEstimate


SELECTION = "selection"
"""The key of `SelectionFacts` among the options of a manifest."""


class Audience(msgspec.Struct, frozen=True, kw_only=True):
    """Who sees a change at once: Twilio notifies every connected app of the user and of the conversation's members."""

    users: int
    """Users of whom something changes."""
    conversations: int
    """Conversations in which something changes; their other members are notified too."""
    online: int | None
    """How many of the users are connected now; None where the service's reachability is off."""


class SelectionFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What was read, what was selected, and what was left out and why."""

    conditions: dict[str, Any]
    """As asked for."""
    users: int
    """Users whose conversations were read."""
    users_vanished: int
    users_unknown: int = 0
    """Identities of the users file that Twilio does not know."""
    users_failed: int
    """Users that could not be read: nothing is planned for them."""
    rows: int
    """Conversations of users that were looked at: the selected ones, and those left out."""
    selected: int
    left_out: dict[str, int]
    """Rows by the first reason for leaving them alone."""
    audience: Audience
