import json
from typing import Any

import pytest

from readstate.probe.exchange import Exchange
from readstate.probe.finding import Finding
from readstate.probe.list_findings import FEWEST_ROWS, list_findings
from readstate.simulator.api.lists.page_token import PageToken

_SID = "CH" + "0" * 32


def _page(
    rows: list[Any], *, name: str = "users", about: Any = "pages", target: str = "/v1/x?PageSize=20", **meta: Any
) -> Exchange:
    body = {name: rows, "meta": {"key": name, "next_page_url": None, **meta}}
    return Exchange(
        about=about, resource=name, target=target, origin="https://conversations.twilio.com",
        status=200, body=json.dumps(body).encode(), sent_at=0, seconds=0,
    )  # fmt: skip


def _found(subject: str, *exchanges: Exchange) -> Finding:
    return next(finding for finding in list_findings(exchanges) if finding.subject == subject)


def _row(sid: int, created: int, updated: int, state: str = "active") -> dict[str, str]:
    dates = (f"2026-11-{day:02d}T00:00:00Z" for day in (created, updated))
    return dict(zip(("sid", "date_created", "date_updated", "state"), (f"US{sid:03d}", *dates, state), strict=True))


_MIXED = [7, 3, 11, 2, 9, 4, 12, 6, 1, 10, 8, 5]


@pytest.mark.parametrize(
    ("rows", "changes"),
    [
        ([_row(n, m, m) for n, m in enumerate(_MIXED)], {}),
        ([_row(-n + 50, m, m) for n, m in enumerate(_MIXED)], {"users.direction": "desc"}),
        ([_row(m, n + 1, m) for n, m in enumerate(_MIXED)], {"users.order": "created"}),
        ([_row(m, m, 20 - n) for n, m in enumerate(_MIXED)], {"users.order": "updated", "users.direction": "desc"}),
        ([_row(m, 13 - m, m) for m in _MIXED], {"users.order": "shuffled"}),
        ([_row(m, 5, 5) for m in _MIXED], {"users.order": "shuffled"}),
    ],
)
def test_the_order_is_learned_from_the_rows(rows: list[Any], changes: dict[str, str]) -> None:
    finding = _found("users: the order", _page(rows[:7]), _page(rows[7:]))

    assert finding.behaviour == changes
    assert finding.contradicts == bool(changes)


def test_the_state_may_come_first() -> None:
    states = ["active"] * 6 + ["closed"] * 6
    rows = [_row(m, m, 1 + n % 6, state) for n, (m, state) in enumerate(zip(_MIXED, states, strict=True))]

    finding = _found("conversations: the order", _page(rows, name="conversations"))

    assert finding.behaviour == {"conversations.order": "updated", "conversations.state_first": "yes"}
    assert finding.seen == "by state, then date_updated, rising"


def test_few_rows_decide_nothing() -> None:
    finding = _found("users: the order", _page([_row(m, m, m) for m in _MIXED[: FEWEST_ROWS - 1]]))

    assert (finding.contradicts, finding.seen, finding.verdict) == (False, "11 rows", "too little to tell")


def test_short_lists_tell_together_what_a_long_one_tells() -> None:
    falling = [[_row(m, m, m) for m in (9, 4, 1)] for _ in range(6)]
    pages = [_page(rows, about="resource", target=f"/v1/x/{n}?PageSize=20") for n, rows in enumerate(falling)]

    finding = _found("users: the order", *pages, _page([_row(m, m, m) for m in (8, 7)]))

    assert finding.behaviour == {"users.direction": "desc"}


@pytest.mark.parametrize(
    ("token", "seen", "changes"),
    [
        (PageToken(_SID).write(), "PT and base64 of JSON with order, after", {}),
        (f"PTclosed_2024-01-18T03:17:17.005Z_{_SID}", "a sort key of 3 parts", {"token_form": "sort_key"}),
        (f"PT{_SID}", "a sort key of 1 parts", {"token_form": "sort_key"}),
        ("ENZXlKbGRtVnVkRjlr", "18 characters in another form", {}),
        ("PT" + "[" * 5_000, "5002 characters in another form", {}),
    ],
)
def test_tokens_are_described_and_not_quoted(token: str, seen: str, changes: dict[str, str]) -> None:
    url = f"https://conversations.twilio.com/v1/Users?PageSize=20&PageToken={token}&Page=1"
    finding = _found("page tokens", _page([], next_page_url=url))

    assert (finding.seen, finding.behaviour) == (seen, changes)


def test_lists_whose_tokens_differ_are_told_apart() -> None:
    url = "https://conversations.twilio.com/v1/x?PageSize=20&PageToken={}&Page=1"
    pages = [
        _page([], next_page_url=url.format(PageToken(_SID).write())),
        _page([], name="conversations", next_page_url=url.format(f"PT{_SID}").replace("twilio", "other")),
    ]

    tokens, links = (_found(subject, *pages) for subject in ("page tokens", "next_page_url"))

    assert "users: PT and base64" in tokens.seen
    assert "conversations: a sort key" in tokens.seen
    assert tokens.behaviour == {"conversations.token_form": "sort_key"}
    assert "conversations: https://conversations.other.com, PageSize" in links.seen
    assert (links.contradicts, links.behaviour) == (True, {})


@pytest.mark.parametrize(
    ("url", "seen", "changes"),
    [
        ("https://conversations.twilio.com/v1/Users?PageSize=1&PageToken=x&Page=1",
         "the same host, PageSize, PageToken, Page", {}),
        ("https://conversations.us1.twilio.com/v1/Users?PageSize=1&PageToken=x&Page=1",
         "https://conversations.us1.twilio.com, PageSize, PageToken, Page", {}),
        ("/v1/Users?Page=1&PageToken=x", "no host, Page, PageToken", {"next_page_url": "relative"}),
    ],
)  # fmt: skip
def test_links_are_described(url: str, seen: str, changes: dict[str, str]) -> None:
    finding = _found("next_page_url", _page([], next_page_url=url))

    assert (finding.seen, finding.behaviour) == (seen, changes)
    assert finding.contradicts == (seen != "the same host, PageSize, PageToken, Page")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"<html>", b'{"meta": 3}', b'{"meta": {"key": "users"}, "users": [1, {"sid": []}]}',
             b'{"meta": {"key": [], "next_page_url": 7, "page_size": "x"}}', b'{"a":' * 100_000],
)  # fmt: skip
@pytest.mark.parametrize("about", ["largest_page", "pages", "page_by_number", "newest_message"])
def test_answers_of_any_kind_are_survived(about: Any, body: bytes) -> None:
    exchange = Exchange(
        about=about, resource="users", target="/v1/Users?PageSize=1000", origin="https://x", status=200, body=body,
        sent_at=0, seconds=0,
    )  # fmt: skip

    assert all(finding.subject for finding in list_findings([exchange]))
