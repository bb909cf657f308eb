"""What a journal holds beside its rows: the header, attempts, events."""

from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from readstate.errors import ExitCode
from readstate.foreign_json import decode_json
from readstate.model.desired import Operation
from readstate.model.plan import Target


class RunHeader(msgspec.Struct, frozen=True, kw_only=True):
    """What a run was begun with; never changes, holds no secret."""

    run_id: str
    plan_id: str
    plan_dir: str
    rows_sha256: str = msgspec.field(name="rows_root_sha256")
    """Stored under the name that it has had from the first version of journals."""
    account_sid: str
    service_sid: str
    base_url: str
    executable: Annotated[int, msgspec.Meta(ge=0)]
    started_at: Annotated[datetime, msgspec.Meta(tz=True)]
    tool_version: str
    who: dict[str, Any]
    argv: list[str]
    consent: dict[str, Any]
    options: dict[str, Any]

    @property
    def target(self) -> Target:
        return Target(account_sid=self.account_sid, service_sid=self.service_sid, base_url=self.base_url)


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt that was not the first or did not succeed at once; in the order of the table's columns."""

    plan_row_id: int
    attempt: int
    epoch: int
    sent_at: int | None
    ended_at: int
    kind: str
    http: int | None
    tw_code: int | None
    request_id: str | None


class RunEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to the run as a whole."""

    kind: str
    at: datetime
    facts: dict[str, Any]


class RunRow(NamedTuple):
    """The one line about the run itself."""

    header: str
    epoch: Annotated[int, msgspec.Meta(ge=1, le=2**31)]


class FinalState(NamedTuple):
    """The state of the run as last recorded, and its exit code where it ended."""

    state: Literal["running", "finished", "stopped"]
    exit_code: ExitCode | None


class StateCount(NamedTuple):
    """How many rows have a state."""

    state: str
    rows: int


class RecordedEvent(NamedTuple):
    """A line of the table of events."""

    seq: int
    at: str
    kind: str
    json: str

    def facts(self) -> dict[str, Any]:
        """Return the event as one document.

        Raise `UnusableJson`, and `msgspec.ValidationError` where it lacks what its kind always has.
        """
        msgspec.convert(self.at, _Moment)
        facts = decode_json(self.json.encode(), dict[str, Any])
        if (kind := _KINDS.get(self.kind)) is not None:
            msgspec.convert(facts, kind)
        return {"seq": self.seq, "at": self.at, "kind": self.kind, **facts}


_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class _Began(msgspec.Struct):
    epoch: int
    left: int
    in_doubt: int


class _StagePassed(msgspec.Struct):
    operation: Operation
    stage: str


class _Ended(msgspec.Struct):
    exit_code: int
    stopped: str = ""


_KINDS: dict[str, type[msgspec.Struct]] = {"began": _Began, "stage_passed": _StagePassed, "ended": _Ended}
"""The facts that resuming and reports rely on."""
