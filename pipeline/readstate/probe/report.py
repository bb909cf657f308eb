"""The findings of a probe as a table and as the description of an account. Pure."""

from collections.abc import Sequence

import msgspec

from readstate.probe.answer_findings import answer_findings
from readstate.probe.exchange import Exchange
from readstate.probe.field_findings import field_findings
from readstate.probe.finding import Finding
from readstate.probe.identity_findings import identity_findings
from readstate.probe.list_findings import list_findings
from readstate.simulator.server.account_profile import AccountProfile, parse_profile


class ProbeReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a probe found out; as JSON, what `readstate simulate --like` reads. It names no person and no resource."""

    findings: tuple[Finding, ...]
    account: AccountProfile
    requests: int
    ended_by: str | None
    """What ended the questions before the last one."""

    @property
    def contradictions(self) -> tuple[Finding, ...]:
        """The findings that are not as assumed."""
        return tuple(finding for finding in self.findings if finding.contradicts)

    def as_json(self) -> bytes:
        """Return the report as an indented JSON object."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


def decide(
    exchanges: Sequence[Exchange], *, ended_by: str | None = None, http_version: str = "not asked"
) -> ProbeReport:
    """Decide from what was asked and answered where the account is not as assumed.

    *http_version* is what the server chose where HTTP/2 was offered, or why that was not asked.
    """
    findings = (
        *list_findings(exchanges),
        *answer_findings(exchanges),
        _http_version(http_version),
        *field_findings(exchanges),
        *identity_findings([found for found in exchanges if found.about == "identity"]),
    )
    behaviour = {name: value for finding in findings for name, value in finding.behaviour.items()}
    faults = {name: value for finding in findings for name, value in finding.faults.items()}
    account = parse_profile({"behaviour": behaviour, "faults": faults})
    return ProbeReport(findings=findings, account=account, requests=len(exchanges), ended_by=ended_by)


def _http_version(seen: str) -> Finding:
    return Finding(
        subject="version of HTTP",
        assumed="any",
        seen=seen,
        otherwise="requests are sent by HTTP/1.1",
    )
