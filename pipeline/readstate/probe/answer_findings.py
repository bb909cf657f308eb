"""Findings about answers of every kind: headers, times, permissions, settings. Pure."""

import re
from collections.abc import Iterator, Sequence
from email.utils import parsedate_to_datetime
from statistics import median, quantiles
from typing import Final, get_args

from readstate.probe.exchange import Exchange
from readstate.probe.finding import Finding
from readstate.simulator.api.behaviour import Resource

RESOURCES: Final[tuple[Resource, ...]] = get_args(Resource)
_LARGEST_SKEW_SECONDS: Final = 2.0
_STEPS: Final = 10
_DURATION: Final = re.compile("P[0-9TDHMS]{1,20}")


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
    yield from _stray_errors(exchanges)
    yield from _configuration(exchanges)
    for found in exchanges:
        if found.about == "missing_user" and found.status == 404:
            yield _not_found(found)


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
    medians = {
        count: median(found.seconds * 1000 for found in timed if found.at_once == count)
        for count in sorted({found.at_once for found in timed})
    }
    most = max(medians)
    added = max(0.0, (medians[most] - medians[1]) / (most - 1)) if most > 1 else 0.0
    yield Finding(
        subject="latency",
        assumed="nothing",
        seen=", ".join(f"{value:.0f} ms with {count} at once" for count, value in medians.items()),
        otherwise="the simulator can be as slow",
        faults={
            "latency_quantiles_ms": [round(value, 1) for value in (alone[0], *inner, alone[-1])],
            "latency_added_ms": round(added, 1),
        },
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
    asked = [found for found in exchanges if found.about not in {"latency", "stray_error"}]
    refused = {found.resource: found.outcome for found in asked if found.status in {401, 403}}
    readable = {found.resource for found in asked if found.status == 200} - refused.keys()
    parts = [f"{name}: {refused.get(name, 'yes')}" for name in RESOURCES if name in readable or name in refused]
    unasked = [name for name in RESOURCES if name not in readable and name not in refused]
    return Finding(
        subject="permissions to read",
        assumed="everything",
        seen=", ".join([*parts, *(["not asked: " + ", ".join(unasked)] if unasked else [])]),
        means="what these credentials cannot read can be neither exported nor planned" if refused else "",
        behaviour={"forbidden": list(refused)} if refused else {},
    )


def _stray_errors(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    stray = [found for found in exchanges if found.about == "stray_error"]
    if stray:
        outcomes = ", ".join(sorted({found.outcome for found in stray}))
        yield Finding(
            subject="answers of servers on the way",
            assumed="occasional",
            seen=f"{len(stray)} of {len(exchanges)} answers: {outcomes}",
            otherwise="asked once more, as every read is",
        )


def _configuration(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    account = [found for found in exchanges if found.resource == "configuration" and found.about == "resource"]
    for found in account[:1]:
        names = ("default_inactive_timer", "default_closed_timer")
        timers = [f"{name}: {_duration(found.content.get(name))}" for name in names]
        if found.status == 200:
            yield Finding(
                subject="timers of conversations", assumed="any", seen=", ".join(timers),
                otherwise="with timers conversations change their state by themselves",
            )  # fmt: skip
    settings = [found.content for found in exchanges if found.about == "service_settings" and found.status == 200]
    if settings:
        reachable = sum(found.get("reachability_enabled") is True for found in settings)
        yield Finding(
            subject="settings of services",
            assumed="any",
            seen=f"reachability in {reachable} of {len(settings)}",
            otherwise="without reachability is_online and is_notifiable are null",
        )


def _duration(value: object) -> str:
    return value if isinstance(value, str) and _DURATION.fullmatch(value) else "none" if value is None else "(odd)"


def _not_found(exchange: Exchange) -> Finding:
    is_specific = exchange.code not in {20404, None}
    return Finding(
        subject="a user who does not exist",
        assumed="404/20404",
        seen=exchange.outcome,
        means="nothing: every 404 is taken for absent" if is_specific else "",
        behaviour={"not_found_code": "specific"} if is_specific else {},
    )
