from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.changes.rules.preconditions import (
    Check,
    Drifted,
    Gone,
    Ready,
    RowState,
    Satisfied,
    check_precondition,
    row_state,
)
from readstate.model.change import Reason
from readstate.model.membership import Absent, Unreadable
from tests.helpers.plans import equals_row, plan_row, present, removal_row

READ_AT = datetime(2026, 11, 1, tzinfo=UTC)

indices = st.none() | st.integers(0, 50)


@given(now=indices, target=st.integers(0, 50))
def test_an_advance_never_goes_back_and_never_stands_still(now: int | None, target: int) -> None:
    check = check_precondition(plan_row(1, set_index=target), present(now))

    assert check == (
        Ready() if now is None or now < target else Satisfied("SAME" if now == target else "ALREADY_FURTHER")
    )


@given(
    now=indices, level=st.sampled_from(["default", "muted", None]), before=indices, target=st.integers(0, 50),
    mask=st.sampled_from([1, 4, 5]),
)  # fmt: skip
def test_equals_is_ready_only_while_every_field_that_it_sets_has_its_value_from_the_plan(
    now: int | None, level: str | None, before: int | None, target: int, mask: int
) -> None:
    row = equals_row(
        fields_mask=mask,
        pre_index=before,
        set_index=target if mask & 1 else None,
        set_level="muted" if mask & 4 else None,
    )

    check = check_precondition(row, present(now, level))

    as_before = (now == before or not mask & 1) and (level == "default" or not mask & 4)
    at_target = (now == target or not mask & 1) and (level == "muted" or not mask & 4)
    if at_target:
        assert check == Satisfied("SAME")
    elif as_before:
        assert check == Ready()
    else:
        assert isinstance(check, Drifted)


@pytest.mark.parametrize("row", [plan_row(1), equals_row(), removal_row(1)], ids=["advance", "equals", "member"])
@pytest.mark.parametrize(
    "current",
    [
        present(participant_sid="MB" + "f" * 32), present(conversation_state="closed"), Unreadable("500"),
        present(participant_sid=None), Absent(Reason.NOT_A_MEMBER),
    ],
    ids=["another member", "closed", "unreadable", "no participant", "absent"],
)  # fmt: skip
def test_nothing_is_sent_to_another_member_a_closed_conversation_or_what_could_not_be_read(
    row: Any, current: Any
) -> None:
    assert check_precondition(row, current) != Ready()


OF_A_CLOSED_ONE = plan_row(1, conversation_state="closed")
EXPECTING = plan_row(1, user_expect_json='{"last_read_message_index": 3}')


@pytest.mark.parametrize(
    ("row", "current", "check"),
    [
        (removal_row(1), present(), Ready()),
        (removal_row(1), Absent(Reason.NOT_A_MEMBER), Satisfied("ALREADY_GONE")),
        (plan_row(1), Absent(Reason.USER_NOT_FOUND), Gone()),
        (OF_A_CLOSED_ONE, present(conversation_state="closed"), Ready()),
        (EXPECTING, present(3), Ready()),
        (EXPECTING, present(4), Drifted("EXPECTATION_FAILED", "last_read_message_index is 4, not 3")),
    ],
)
def test_whether_a_row_may_be_sent(row: Any, current: Any, check: Check) -> None:
    assert check_precondition(row, current) == check


@pytest.mark.parametrize(
    "row",
    [
        plan_row(1, fields_mask=5), plan_row(1, set_index=None), plan_row(1, pre_kind="none"),
        plan_row(1, set_level="muted"), removal_row(1, pre_participant_sid=None),
    ],
)  # fmt: skip
def test_a_row_without_a_precondition_or_whose_fields_contradict_its_mask_is_not_sent(row: Any) -> None:
    check = check_precondition(row, present())

    assert isinstance(check, Drifted)
    assert check.reason == "NO_PRECONDITION"


def test_a_timestamp_must_be_read_before_it_is_set_and_fractions_are_no_difference() -> None:
    row = equals_row(
        fields_mask=2,
        set_index=None,
        set_level=None,
        before_timestamp=READ_AT,
        set_timestamp=READ_AT + timedelta(days=1),
    )

    assert check_precondition(row, present()) == Unreadable("last_read_timestamp: not read")
    assert check_precondition(row, present(last_read_timestamp=READ_AT + timedelta(seconds=0.4))) == Ready()
    assert isinstance(check_precondition(row, present(last_read_timestamp=None)), Drifted)
    assert check_precondition(row, present(last_read_timestamp=row.set_timestamp)) == Satisfied("SAME")


@pytest.mark.parametrize(
    ("row", "current", "state"),
    [
        (plan_row(1), present(8), RowState.AT_TARGET),
        (plan_row(1), present(None), RowState.AT_BEFORE),
        (plan_row(1), present(7), RowState.AT_BEFORE),
        (plan_row(1), present(9), RowState.BEYOND),
        (plan_row(1), Absent(Reason.NOT_A_MEMBER), RowState.GONE),
        (plan_row(1), Unreadable("500"), RowState.UNREADABLE),
        (plan_row(1), present(8, participant_sid="MB" + "0" * 32), RowState.ELSEWHERE),
        (plan_row(1), present(8, participant_sid=None), RowState.UNREADABLE),
        (equals_row(fields_mask=1), present(9), RowState.BEYOND),
        (equals_row(), present(8, "muted"), RowState.AT_TARGET),
        (equals_row(), present(3, "default"), RowState.AT_BEFORE),
        (equals_row(), present(8, "default"), RowState.ELSEWHERE),
        (equals_row(fields_mask=2), present(8), RowState.UNREADABLE),
        (removal_row(1), present(), RowState.AT_BEFORE),
        (removal_row(1), Absent(Reason.NOT_A_MEMBER), RowState.AT_TARGET),
        (removal_row(1), present(participant_sid="MB" + "0" * 32), RowState.ELSEWHERE),
    ],
)
def test_where_a_membership_stands(row: Any, current: Any, state: RowState) -> None:
    assert row_state(row, current) is state
