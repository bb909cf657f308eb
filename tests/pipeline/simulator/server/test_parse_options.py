"""Names and values from a command line become descriptions, or are refused with a reason."""

import pytest

from readstate.errors import BadInput
from readstate.simulator.api.behaviour import Behaviour, OrderedList
from readstate.simulator.faults.faults import Faults
from readstate.simulator.server.parse_options import parse_assignments, parse_options, to_fields
from tests.helpers.repository import PIPELINE


def test_words_become_values_of_the_right_type() -> None:
    faults = parse_assignments(
        Faults,
        [
            "concurrency_cap=none",
            "latency_ms=120",
            "error_statuses=500,503",
            "outage=hang",
            "suspended=true",
            "foreign_next_origin=http://127.0.0.1:9",
        ],
    )

    assert faults == Faults(
        concurrency_cap=None,
        latency_ms=120.0,
        error_statuses=(500, 503),
        outage="hang",
        suspended=True,
        foreign_next_origin="http://127.0.0.1:9",
    )
    assert parse_assignments(Faults, ["error_statuses=502"]).error_statuses == (502,)
    assert parse_assignments(Behaviour, ["actions_per_second=0"]) == Behaviour(actions_per_second=0)
    assert parse_assignments(Behaviour, ["actions_code=50074"]).actions_code == 50074
    ordered = parse_assignments(Behaviour, ["users.order=created", "conversations.largest_page=20"])
    assert (ordered.users, ordered.conversations.largest_page) == (OrderedList(order="created"), 20)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("latency_ms", "no value"),
        ("latncy_ms=3", "did you mean 'latency_ms'"),
        ("latency_ms=slow", "latency_ms"),
        ("error_share=1.5", "between 0 and 1"),
        ("outage=always", "outage"),
    ],
)
def test_a_wrong_word_is_refused_with_the_reason(word: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        parse_assignments(Faults, [word])


def test_what_is_not_named_stays_as_it_was() -> None:
    base = Faults(latency_ms=5, rtt_ms=6)

    assert parse_options(Faults, {"rtt_ms": 7}, base=base) == Faults(latency_ms=5, rtt_ms=7)
    assert parse_options(Faults, to_fields(base)) == base
    ordered = parse_options(Behaviour, {"users": {"order": "created"}})
    assert parse_options(Behaviour, {"users": {"direction": "desc"}}, base=ordered) == Behaviour(
        users=OrderedList(order="created", direction="desc")
    )


@pytest.mark.parametrize("kind", [Faults, Behaviour])
def test_the_readme_lists_every_name(kind: type) -> None:
    readme = (PIPELINE / "simulator" / "README.md").read_text(encoding="utf-8")

    assert [name for name in to_fields(kind()) if f"`{name}`" not in readme] == []


@pytest.mark.parametrize(
    ("name", "message"),
    [("users.ordr", "did you mean 'users.order'"), ("users.order", "users"), ("users", "unknown name 'users'")],
)
def test_a_wrong_field_of_a_field_is_refused(name: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        parse_options(Behaviour, {name: "backwards"})
