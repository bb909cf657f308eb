import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from readstate.model.guards import (
    Consent,
    ConversationDeletes,
    Guard,
    GuardInputs,
    GuardKind,
    UserDeletes,
    evaluate,
    is_wiped_out,
    refusals,
)

QUIET = GuardInputs(
    rows=100, updates=50, deletes=0, not_found=0, read_errors=0, not_fully_undoable=0,
    wiped_out_users=0, wiped_out_examples=(), most_deletes_in_one_conversation=0, emptied_examples=(),
)  # fmt: skip
USER, CONVERSATION = "US" + "a" * 32, "CH" + "b" * 32


def refused(facts: GuardInputs, **consent: object) -> dict[str, Guard]:
    return {guard.name: guard for guard in refusals(evaluate(facts, Consent(**consent)))}  # type: ignore[arg-type]


def test_every_guard_is_asked_whatever_the_others_say() -> None:
    facts = replace(
        QUIET, rows=2_000_000, updates=1_000_001, deletes=2_000, not_found=900_000, read_errors=3, wiped_out_users=4,
        wiped_out_examples=tuple(UserDeletes(USER, 9, 9) for _ in range(4)), most_deletes_in_one_conversation=12,
        emptied_examples=(ConversationDeletes(CONVERSATION, 12),),
    )  # fmt: skip

    found = refused(facts)

    assert {name: guard.needs for name, guard in found.items()} == {
        "confirm-deletes": "--confirm-deletes 2000",
        "max-deletes": "--max-deletes 2000",
        "deletes-per-conversation": "--max-deletes-per-conversation 12",
        "user-wipeout": "--allow-user-wipeout",
        "missing": "--allow-missing 46",
        "partial-plan": "--allow-partial-plan",
        "max-rows": "--max-rows 1002001",
    }
    assert f"{USER} 9 of 9" in found["user-wipeout"].message
    assert found["user-wipeout"].message.endswith("…")
    assert CONVERSATION in found["deletes-per-conversation"].message
    assert not refused(
        facts, confirm_deletes=2000, max_deletes=2000, max_deletes_per_conversation=12, allow_user_wipeout=True,
        allow_missing_percent=46.0, allow_partial_plan=True, max_rows=1_002_001,
    )  # fmt: skip


def test_the_confirmed_number_must_be_the_planned_one() -> None:
    facts = replace(QUIET, deletes=5)

    assert "4 were confirmed" in refused(facts, confirm_deletes=4)["confirm-deletes"].message
    assert refused(facts)["confirm-deletes"].kind is GuardKind.CONSENT
    assert not refused(facts, confirm_deletes=5)
    assert "confirm-deletes" in refused(QUIET, confirm_deletes=5)


def test_a_percentage_has_a_floor() -> None:
    assert not refused(replace(QUIET, rows=20, not_found=9))
    assert "right service" in refused(replace(QUIET, rows=25, not_found=10))["missing"].message
    assert not refused(replace(QUIET, rows=100, not_found=20))


@pytest.mark.parametrize(("rows", "not_found"), [(1, 1), (2, 1), (3, 2), (3, 3), (10, 9), (12, 6)])
def test_half_of_the_rows_is_too_much_however_few_they_are(rows: int, not_found: int) -> None:
    guard = refused(replace(QUIET, rows=rows, not_found=not_found))["missing"]

    assert guard.message.endswith("were not found: is this the right service and account?")


def test_what_is_not_refused_says_why_it_is_not() -> None:
    few, small = (
        next(guard for guard in evaluate(facts, Consent()) if guard.name == "missing")
        for facts in (replace(QUIET, rows=3, not_found=1), replace(QUIET, rows=99, not_found=11))
    )

    assert few.message == "1 of 3 rows (33.3 %) were not found; a share counts from 10 rows, or from half of all"
    assert small.message == "11 of 99 rows (11.1 %) were not found; up to 20 % are allowed"


def test_losing_most_or_all_is_too_much() -> None:
    assert is_wiped_out(1, 1)
    assert not is_wiped_out(1, 2)
    assert not is_wiped_out(2, 3)
    assert is_wiped_out(3, 3)
    assert not is_wiped_out(2, 4)
    assert is_wiped_out(3, 4)
    assert not is_wiped_out(0, 0)


@given(st.integers(1, 60), st.integers(0, 200))
def test_as_many_conversations_as_planning_looks_at_are_enough_to_decide(deletes: int, conversations: int) -> None:
    conversations = max(conversations, deletes)
    seen = min(conversations, max(2 * deletes, deletes + 1))

    assert is_wiped_out(deletes, seen) == is_wiped_out(deletes, conversations)


@given(st.integers(0, 3000), st.integers(0, 3000), st.integers(1, 3000))
def test_what_a_guard_needs_lets_it_pass(deletes: int, not_found: int, rows: int) -> None:
    facts = replace(QUIET, rows=max(rows, not_found), deletes=deletes, not_found=not_found)
    given_flags: dict[str, object] = {}
    for guard in refused(facts).values():
        name, _, number = str(guard.needs).removeprefix("--").partition(" ")
        field = {"allow-missing": "allow_missing_percent"}.get(name, name.replace("-", "_"))
        given_flags[field] = float(number) if field == "allow_missing_percent" else int(number)

    assert not refused(facts, **given_flags)
