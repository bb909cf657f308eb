import json
from email.utils import formatdate
from typing import Any

import pytest

from readstate.probe.answer_findings import answer_findings
from readstate.probe.exchange import Exchange
from readstate.probe.finding import Finding


def _answer(about: Any = "resource", *, status: int = 200, body: Any = None, **changes: Any) -> Exchange:
    values: dict[str, Any] = {"resource": "users", "sent_at": 1_000_000.0, "seconds": 0.2, **changes}
    encoded = json.dumps({} if body is None else body).encode()
    return Exchange(about=about, target="/v1/Users", origin="https://x", status=status, body=encoded, **values)


def _found(subject: str, *exchanges: Exchange) -> Finding:
    return next(finding for finding in answer_findings(exchanges) if finding.subject == subject)


@pytest.mark.parametrize(("ahead", "is_far"), [(0, False), (1.5, False), (-2.6, True), (60, True)])
def test_the_clock_is_compared_with_the_middle_of_each_answer(ahead: float, is_far: bool) -> None:
    answers = [
        _answer(sent_at=sent, headers={"date": formatdate(sent + 0.1 + ahead, usegmt=True)})
        for sent in (1_000_000 + step * 1.37 for step in range(200))
    ]

    finding = _found("clock", *answers, _answer(headers={"date": "yesterday"}))

    assert finding.contradicts == is_far
    if is_far:
        assert finding.faults["clock_skew_seconds"] == pytest.approx(ahead, abs=0.2)


def test_latency_is_kept_as_quantiles_of_the_answers_that_came_alone() -> None:
    alone = [_answer("latency", seconds=step / 1000) for step in range(1, 102)]
    together = [_answer("latency", seconds=0.5, at_once=16)] * 3

    finding = _found("latency", *alone, *together)

    assert finding.faults["latency_added_ms"] == pytest.approx((500 - 51) / 15, abs=0.05)
    assert finding.faults["latency_quantiles_ms"] == pytest.approx([1, 11, 21, 31, 41, 51, 61, 71, 81, 91, 101])
    assert finding.seen == "51 ms with 1 at once, 500 ms with 16 at once"
    assert not finding.contradicts


@pytest.mark.parametrize(("share", "seen", "absent"), [(0, "in 0 of 4 answers", True), (2, "in 2 of 4 answers", False)])
def test_a_header_is_absent_where_no_answer_has_it(share: int, seen: str, absent: bool) -> None:
    answers = [_answer(headers={"twilio-request-id": "RQ1"} if number < share else {}) for number in range(4)]

    finding = _found("Twilio-Request-Id", *answers)

    assert (finding.seen, finding.contradicts) == (seen, True)
    assert finding.behaviour == ({"request_id_header": "absent"} if absent else {})


def test_a_429_says_when_to_come_back() -> None:
    refused = [_answer(status=429, body={"code": 20429}, headers=headers) for headers in ({"retry-after": "7"}, {})]

    finding = _found("Retry-After of a 429", *refused)

    assert (finding.seen, finding.faults) == ("in 1 of 2, code 20429", {"retry_after_seconds": 7.0})
    assert not _found("Retry-After of a 429", refused[1]).contradicts


def test_what_may_not_be_read_is_named() -> None:
    refused = _answer(status=403, body={"code": 70051}, resource="messages")

    finding = _found("permissions to read", _answer(), refused, refused)

    assert finding.seen.startswith("users: yes, messages: 403/70051, not asked: services, configuration,")
    assert finding.behaviour == {"forbidden": ["messages"]}


def test_settings_and_timers_are_told_without_a_name() -> None:
    account = _answer(
        resource="configuration", body={"default_inactive_timer": "PT10M", "default_closed_timer": "anna"}
    )
    services = [
        _answer("service_settings", resource="configuration", body={"reachability_enabled": on, "url": "https://x/IS1"})
        for on in (True, False, None)
    ]

    findings = [_found(subject, account, *services) for subject in ("timers of conversations", "settings of services")]

    assert findings[0].seen == "default_inactive_timer: PT10M, default_closed_timer: (odd)"
    assert findings[1].seen == "reachability in 1 of 3"
    assert not any(finding.contradicts for finding in findings)


def test_an_error_that_is_answered_when_asked_again_contradicts_nothing() -> None:
    finding = _found("answers of servers on the way", _answer("stray_error", status=503), _answer())

    assert (finding.seen, finding.contradicts) == ("1 of 2 answers: 503", False)
