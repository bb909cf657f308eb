"""Findings about answers of every kind: headers, times, permissions, fields. Pure."""

from collections.abc import Iterator, Sequence
from email.utils import parsedate_to_datetime
from statistics import median, quantiles
from typing import Any, Final

import msgspec

from readstate.model.resources import User, UserConversation
from readstate.probe.exchange import Exchange
from readstate.probe.finding import Finding, plain_name

_LARGEST_SKEW_SECONDS: Final = 2.0
_STEPS: Final = 10
_DESCRIBED: Final[dict[str, type[msgspec.Struct]]] = {"users": User, "user_conversations": UserConversation}
_NOT_EXPORTED: Final = frozenset({"is_notifiable", "url", "links"})


def answer_findings(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """Decide what the exchanges say about answers as such."""
    answered = [found for found in exchanges if found.status == 200]
    if answered:
        yield _header(answered, "Twilio-Request-Id", "request_id_header", "support cannot find a failure")
        yield _header(
            answered, "Twilio-Concurrent-Requests", "concurrent_requests_header", "the pace is learnt from 429s alone"
        )
        yield _compression(answered)
        yield from _clock_skew(answered)
        yield from _latency(answered)
    yield from _retry_after([found for found in exchanges if found.status == 429])
    yield _permissions(exchanges)
    for found in exchanges:
        if found.about == "missing_user" and found.status == 404:
            yield _not_found(found)
        if found.about == "encoded_slash":
            yield _slash(found)
    for name, described in _DESCRIBED.items():
        rows = [row for found in exchanges if found.about == "pages" and found.resource == name for row in found.rows]
        if rows:
            yield _fields(name, described, rows)


def _header(answers: Sequence[Exchange], name: str, switch: str, without: str) -> Finding:
    count = sum(name.lower() in found.headers for found in answers)
    return Finding(
        subject=name,
        assumed="in every answer",
        seen=f"in {count} of {len(answers)} answers",
        means=without if count < len(answers) else "",
        behaviour={switch: "absent"} if count == 0 else {},
    )


def _compression(answers: Sequence[Exchange]) -> Finding:
    found = sorted({answer.headers["content-encoding"] for answer in answers if "content-encoding" in answer.headers})
    return Finding(
        subject="compression",
        assumed="none",
        seen=", ".join(found) or "none",
        means="fewer bytes, more time to unpack them" if found else "",
        behaviour={"compression": "gzip"} if "gzip" in found else {},
    )


def _clock_skew(answers: Sequence[Exchange]) -> Iterator[Finding]:
    ahead = []
    for found in answers:
        try:
            server = parsedate_to_datetime(found.headers.get("date", "")).timestamp()
        except (ValueError, OverflowError):
            continue
        # A date has whole seconds, so on average the server's clock was half a second further.
        ahead.append(server + 0.5 - (found.sent_at + found.seconds / 2))
    if not ahead:
        return
    skew = round(median(ahead), 1)
    is_far = abs(skew) > _LARGEST_SKEW_SECONDS
    yield Finding(
        subject="clock",
        assumed=f"within {_LARGEST_SKEW_SECONDS:.0f} s of this machine's",
        seen=f"{abs(skew)} s {'ahead' if skew > 0 else 'behind'}",
        means="ages of plans are wrong by so much: set this machine's clock" if is_far else "",
        faults={"clock_skew_seconds": skew} if is_far else {},
    )


def _latency(answers: Sequence[Exchange]) -> Iterator[Finding]:
    timed = [found for found in answers if found.about == "latency"]
    alone = sorted(found.seconds * 1000 for found in timed if found.at_once == 1)
    if len(alone) < 2:
        return
    inner = quantiles(alone, n=_STEPS, method="inclusive")
    medians = [
        f"{median(found.seconds * 1000 for found in timed if found.at_once == count):.0f} ms with {count} at once"
        for count in sorted({found.at_once for found in timed})
    ]
    yield Finding(
        subject="latency",
        assumed="nothing",
        seen=", ".join(medians),
        otherwise="the simulator can be as slow",
        faults={"latency_quantiles_ms": [round(value, 1) for value in (alone[0], *inner, alone[-1])]},
    )


def _retry_after(refused: Sequence[Exchange]) -> Iterator[Finding]:
    if not refused:
        return
    seconds = [found.headers["retry-after"] for found in refused if "retry-after" in found.headers]
    numbers = [float(text) for text in seconds if text.isdecimal()]
    yield Finding(
        subject="Retry-After of a 429",
        assumed="none",
        seen=f"in {len(seconds)} of {len(refused)}, code {refused[0].code}",
        means="a 429 is waited out as long as the server says" if seconds else "",
        faults={"retry_after_seconds": median(numbers)} if numbers else {},
    )


def _permissions(exchanges: Sequence[Exchange]) -> Finding:
    refused = {found.resource: found.outcome for found in exchanges if found.status in {401, 403}}
    return Finding(
        subject="permissions to read",
        assumed="everything",
        seen=", ".join(f"{name}: {outcome}" for name, outcome in refused.items()) or "everything",
        means="what these credentials cannot read can be neither exported nor planned" if refused else "",
        behaviour={"forbidden": list(refused)} if refused else {},
    )


def _not_found(exchange: Exchange) -> Finding:
    is_specific = exchange.code not in {20404, None}
    return Finding(
        subject="a user who does not exist",
        assumed="404/20404",
        seen=exchange.outcome,
        means="nothing: every 404 is taken for absent" if is_specific else "",
        behaviour={"not_found_code": "specific"} if is_specific else {},
    )


def _slash(exchange: Exchange) -> Finding:
    splits = exchange.status == 404
    return Finding(
        subject="%2F in an identity",
        assumed="200",
        seen=exchange.outcome,
        means="name users with a slash by their SID" if splits else "",
        behaviour={"encoded_slash": "separator"} if splits else {},
    )


def _fields(name: str, described: type[msgspec.Struct], rows: Sequence[dict[str, Any]]) -> Finding:
    known = {*described.__struct_fields__, *_NOT_EXPORTED}
    unknown = sorted({plain_name(field) for row in rows for field in row if field not in known})
    missing = sorted({field for row in rows for field in described.__struct_fields__ if field not in row})
    wrong = sorted({problem for row in rows if (problem := _problem(row, described))})
    nulls = sorted({field for row in rows for field, value in row.items() if value is None and field in known})
    parts = [("unknown", unknown), ("missing", missing), ("of another type", wrong), ("null somewhere", nulls)]
    differs = bool(unknown or missing or wrong)
    return Finding(
        subject=f"{name}: fields",
        assumed="as described",
        seen="; ".join(f"{word}: {', '.join(names)}" for word, names in parts if names) or "as described, never null",
        means="unknown fields are counted and not exported; a row with another type is set apart" if differs else "",
        faults={"extra_fields": True} if unknown else {},
    )


def _problem(row: dict[str, Any], described: type[msgspec.Struct]) -> str:
    try:
        msgspec.convert(row, described)
    except msgspec.ValidationError as error:
        return str(error)[:120]
    return ""
