"""A probe finds each difference of an account, and a simulator that behaves like the report shows the same."""

from itertools import count
from pathlib import Path
from typing import Any

import pytest

from readstate.clock import SystemClock
from readstate.probe.questions import PLAN, ask_account
from readstate.probe.report import ProbeReport, decide
from readstate.settings.settings import load_settings
from readstate.simulator.api.behaviour import Behaviour, ConversationList, ListBehaviour, OrderedList
from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.account_profile import load_profile
from readstate.simulator.server.server import RunningSimulator, serving
from readstate.simulator.world.world import World
from readstate.twilio.connect import open_transport
from tests.helpers.exporting import credentials_of

SHAPE = WorldShape(users=150, heaviest=90, conversations_per_user=20, odd_identities=1, seed=3)
NEWEST_FIRST = Behaviour(
    users=OrderedList(order="updated", direction="desc"),
    user_conversations=ConversationList(order="updated", direction="desc", state_first="yes"),
    conversations=ConversationList(order="updated", direction="desc", largest_page=100),
    token_form="sort_key",
    next_page_url="page_first",
    message_moves_date_updated="yes",
)
BARE = Behaviour(
    users=OrderedList(order="shuffled", largest_page=40),
    user_conversations=ConversationList(direction="desc", token_form="sort_key"),
    messages=ListBehaviour(largest_page=50),
    page_without_token="by_number",
    next_page_url="token_only",
    request_id_header="absent",
    concurrent_requests_header="absent",
    compression="gzip",
    encoded_slash="separator",
    lost_characters=("%23", "beyond ASCII"),
    not_found_code="specific",
)
NARROW = Behaviour(
    page_size_over_maximum="reject",
    participants=OrderedList(largest_page=30),
    page_without_token="first_page",
    next_page_url="relative",
    forbidden=("services", "messages"),
)


async def _probe(twilio: RunningSimulator) -> ProbeReport:
    settings = load_settings(flags={"base_url": twilio.base_url}, environ={}).settings
    async with open_transport(settings, credentials_of(twilio)) as transport:
        answers = await ask_account(transport.send, SystemClock(), origin=twilio.base_url)
    return decide(answers.exchanges, ended_by=answers.ended_by)


async def _probe_world(**account: Any) -> ProbeReport:
    seconds = count(1_750_000_000, 61)
    world = World(SHAPE, now=lambda: float(next(seconds)))
    async with serving(world, **account) as twilio:
        if account.get("behaviour", Behaviour()).message_moves_date_updated == "yes":
            _let_all_conversations_have_a_message(world)
        return await _probe(twilio)


def _let_all_conversations_have_a_message(world: World) -> None:
    for conversation in sorted(world.default_service.conversations(), key=lambda found: found.sid[::-1]):
        world.edit(world.default_service, actor="test").add_message(conversation, author=None, body="hello")


async def test_an_account_that_is_as_assumed_contradicts_nothing() -> None:
    report = await _probe_world()

    assert report.contradictions == ()
    assert report.ended_by is None
    assert report.account.behaviour == Behaviour()
    assert {finding.subject: finding.seen for finding in report.findings}["permissions to read"].count(": yes") == 8
    assert 100 < report.requests <= sum(most for _, most in PLAN)
    assert len(report.account.faults.latency_quantiles_ms) == 11


@pytest.mark.parametrize("behaviour", [NEWEST_FIRST, BARE, NARROW], ids=["newest first", "bare", "narrow"])
async def test_every_difference_is_found_and_can_be_simulated(behaviour: Behaviour, tmp_path: Path) -> None:
    faults = Faults(clock_skew_seconds=90, extra_fields=True)
    report = await _probe_world(behaviour=behaviour, faults=faults)
    path = tmp_path / "probe.json"
    path.write_bytes(report.as_json())

    like = load_profile(path)
    again = await _probe_world(behaviour=like.behaviour, faults=like.faults)

    assert report.account.behaviour == behaviour
    assert report.account.faults.extra_fields
    assert report.account.faults.clock_skew_seconds == pytest.approx(90, abs=1)
    assert like == report.account
    assert again.account.behaviour == behaviour
    assert [finding.subject for finding in again.contradictions] == [
        finding.subject for finding in report.contradictions
    ]


@pytest.mark.parametrize(
    ("faults", "status"),
    [(Faults(error_share=0.03, error_statuses=(503,), html_share=1), "503"), (Faults(html_success_share=0.03), "200")],
)
async def test_a_stray_answer_is_asked_for_once_more_and_contradicts_nothing(faults: Faults, status: str) -> None:
    report = await _probe_world(faults=faults)

    assert report.contradictions == ()
    assert {finding.subject: finding.seen for finding in report.findings}["answers of servers on the way"].endswith(
        f"answers: {status}"
    )


async def test_a_report_names_no_person_and_no_resource() -> None:
    world = World(SHAPE)
    async with serving(world, behaviour=NEWEST_FIRST, faults=Faults(extra_fields=True)) as twilio:
        text = (await _probe(twilio)).as_json().decode()

    service = world.default_service
    names = [service.sid, *(sid for user in service.users() for sid in (user.sid, user.identity) if len(sid) > 2)]
    assert [name for name in (*names, *(found.sid for found in service.conversations())) if name in text] == []


@pytest.mark.parametrize(
    "faults", [Faults(requests_per_second_cap=0.001, requests_burst=5, retry_after_seconds=3), Faults(suspended=True)]
)
async def test_it_ends_at_the_first_refusal(faults: Faults) -> None:
    world = World(SHAPE)
    async with serving(world, faults=faults) as twilio:
        report = await _probe(twilio)

        counters = twilio.counters()

    assert counters.with_status(429) + counters.with_status(401) == 1
    assert counters.requests == report.requests < 7
    assert report.contradictions
    assert report.ended_by in {"the account answered 429/20429", "the account answered 401/20003"}
