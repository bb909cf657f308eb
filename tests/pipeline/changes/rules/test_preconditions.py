"""What may be sent, given what was read right before."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.changes.rules.preconditions import Already, Drifted, Go, Missing, RemoveMember, SetFields, Unclear, judge
from readstate.changes.rules.settle import Standing, standing
from readstate.model.change import Reason
from readstate.model.membership import Absent, Present, Unknown, Unreadable
from tests.helpers.plans import plan_row, removal_row

MEMBER = f"MB{1:032x}"
READ_AT = datetime(2026, 11, 1, tzinfo=UTC)


def present(index: int | None = 3, level: str | None = "default", **changes: Any) -> Present:
    values: dict[str, Any] = {
        "user_sid": f"US{1:032x}", "conversation_sid": f"CH{1:032x}", "participant_sid": MEMBER,
        "last_read_message_index": index, "notification_level": level, "conversation_state": "active",
        "newest_message_index": Unknown(), "last_read_timestamp": Unknown(),
    }  # fmt: skip
    return Present(**(values | changes))


def exact(**changes: Any) -> Any:
    return plan_row(
        1, **({"pre_kind": "equals", "set_level": "muted", "pre_level": "default", "fields_mask": 5} | changes)
    )


indices = st.none() | st.integers(0, 50)


@given(now=indices, target=st.integers(0, 50))
def test_an_advance_never_goes_back_and_never_stands_still(now: int | None, target: int) -> None:
    verdict = judge(plan_row(1, set_index=target), present(now))

    match verdict:
        case Go(SetFields(last_read_message_index=sent)):
            assert sent == target
            assert now is None or now < sent
        case Already():
            assert now is not None
            assert now >= target
        case _:
            pytest.fail(f"{verdict}")


@given(
    now=indices, level=st.sampled_from(["default", "muted", None]), before=indices, target=st.integers(0, 50),
    mask=st.sampled_from([1, 4, 5]),
)  # fmt: skip
def test_equals_sends_only_what_was_planned_for_and_only_to_what_it_was_planned_for(
    now: int | None, level: str | None, before: int | None, target: int, mask: int
) -> None:
    row = exact(fields_mask=mask, pre_index=before, set_index=target)

    verdict = judge(row, present(now, level))

    as_before = (now == before or not mask & 1) and (level == "default" or not mask & 4)
    at_target = (now == target or not mask & 1) and (level == "muted" or not mask & 4)
    if at_target:
        assert verdict == Already("SAME")
    elif as_before:
        assert verdict == Go(
            SetFields(
                last_read_message_index=target if mask & 1 else None,
                last_read_timestamp=None,
                notification_level="muted" if mask & 4 else None,
            )
        )
    else:
        assert isinstance(verdict, Drifted)


@given(st.data())
def test_nothing_is_sent_to_another_member_a_closed_conversation_or_what_could_not_be_read(data: st.DataObject) -> None:
    row = data.draw(st.sampled_from([plan_row(1), exact(), removal_row(1)]))
    current = data.draw(
        st.sampled_from(
            [
                present(participant_sid="MB" + "f" * 32), present(conversation_state="closed"), Unreadable("500"),
                present(participant_sid=None), Absent(Reason.NOT_A_MEMBER),
            ]
        )
    )  # fmt: skip

    assert not isinstance(judge(row, current), Go)


def test_a_removal_goes_to_the_member_that_was_planned_and_to_no_other() -> None:
    assert judge(removal_row(1), present()) == Go(RemoveMember(MEMBER))
    assert isinstance(judge(removal_row(1), present(participant_sid="MB" + "0" * 32)), Drifted)
    assert judge(removal_row(1), Absent(Reason.NOT_A_MEMBER)) == Already("ALREADY_GONE")
    assert isinstance(judge(removal_row(1, pre_participant_sid=None), present()), Drifted)


def test_an_update_of_a_member_who_left_is_missing_and_not_drift() -> None:
    assert judge(plan_row(1), Absent(Reason.USER_NOT_FOUND)) == Missing()


def test_a_plan_for_a_closed_conversation_may_go_on_while_it_is_closed() -> None:
    row = plan_row(1, conversation_state="closed")

    assert isinstance(judge(row, present(conversation_state="closed")), Go)


def test_what_the_line_itself_expected_is_held_up() -> None:
    row = plan_row(1, user_expect_json='{"last_read_message_index": 3}')

    assert isinstance(judge(row, present(3)), Go)
    assert judge(row, present(4)) == Drifted("EXPECTATION_FAILED", "last_read_message_index is 4, not 3")


@pytest.mark.parametrize("changes", [{"fields_mask": 5}, {"set_index": None}, {"pre_kind": "none"}])
def test_a_row_without_a_precondition_that_holds_water_is_not_sent(changes: dict[str, Any]) -> None:
    assert isinstance(judge(plan_row(1, **changes), present()), Drifted)


def test_a_timestamp_must_be_read_before_it_is_set_and_fractions_are_no_difference() -> None:
    row = exact(
        fields_mask=2,
        set_index=None,
        set_level=None,
        before_timestamp=READ_AT,
        set_timestamp=READ_AT + timedelta(days=1),
    )

    assert isinstance(judge(row, present()), Unclear)
    assert isinstance(judge(row, present(last_read_timestamp=READ_AT + timedelta(seconds=0.4))), Go)
    assert isinstance(judge(row, present(last_read_timestamp=None)), Drifted)
    assert judge(row, present(last_read_timestamp=row.set_timestamp)) == Already("SAME")


@given(now=indices, level=st.sampled_from(["default", "muted"]), kind=st.sampled_from(["advance", "equals", "member"]))
def test_what_may_be_sent_stands_as_before_and_what_is_already_so_stands_at_or_beyond_the_target(
    now: int | None, level: str, kind: str
) -> None:
    row = {"advance": plan_row(1), "equals": exact(), "member": removal_row(1)}[kind]

    verdict, where = judge(row, present(now, level)), standing(row, present(now, level))

    match verdict:
        case Go():
            assert where is Standing.AT_BEFORE
        case Already():
            assert where in {Standing.AT_TARGET, Standing.BEYOND}
        case _:
            assert where in {Standing.ELSEWHERE, Standing.BEYOND}
