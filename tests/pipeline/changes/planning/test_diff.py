from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from readstate.changes.input.intents import Intent
from readstate.changes.planning.diff import diff
from readstate.changes.planning.options import PlanOptions
from readstate.model.change import (
    Change,
    Direction,
    Disposition,
    Edit,
    Fields,
    PreconditionKind,
    Reason,
    Remove,
    Skip,
    UndoClass,
)
from readstate.model.desired import DesiredChange, Expectation, Removal, Update
from readstate.model.membership import Absent, Present, Unknown, Unreadable
from readstate.model.plan import Mode

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
OPTIONS = PlanOptions()
HERE = Present(
    user_sid="US" + "a" * 32,
    conversation_sid="CH" + "b" * 32,
    participant_sid="MB" + "c" * 32,
    last_read_message_index=10,
    notification_level="default",
    newest_message_index=50,
    last_read_timestamp=datetime(2026, 1, 1, tzinfo=UTC),
)


def want(
    desired: DesiredChange,
    current: Present | Absent | Unreadable = HERE,
    options: PlanOptions = OPTIONS,
    **expected: object,
) -> Change:
    expectation = Expectation(**expected)  # type: ignore[arg-type]
    return diff(Intent(2, 2, "a", "b", desired, expectation), current, options, NOW)


def index(number: int | str, current: Present = HERE, **options: object) -> Change:
    return want(Update(last_read_message_index=number), current, PlanOptions(**options))  # type: ignore[arg-type]


def why(change: Change) -> tuple[Disposition, Reason]:
    assert isinstance(change, Skip), change
    return change.reason.disposition, change.reason


NEVER_READ = replace(HERE, last_read_message_index=None)
EMPTY = replace(HERE, newest_message_index=None)


def test_a_horizon_moves_up_and_nothing_else_is_sent() -> None:
    change = index(20)

    assert isinstance(change, Edit)
    assert (change.last_read_message_index, change.fields, change.direction) == (20, Fields.INDEX, Direction.ADVANCE)
    assert (change.precondition, change.undo) == (PreconditionKind.ADVANCE, UndoClass.FULL)


@pytest.mark.parametrize(
    ("wanted", "current", "options", "expected"),
    [
        (10, HERE, {}, (Disposition.NOOP, Reason.SAME)),
        (9, HERE, {}, (Disposition.BLOCKED, Reason.REWIND)),
        (51, HERE, {}, (Disposition.BLOCKED, Reason.BEYOND_LATEST)),
        (11, EMPTY, {}, (Disposition.BLOCKED, Reason.BEYOND_LATEST)),
        (0, replace(EMPTY, last_read_message_index=None), {}, (Disposition.BLOCKED, Reason.BEYOND_LATEST)),
        ("@latest", EMPTY, {}, (Disposition.NOOP, Reason.EMPTY_CONVERSATION)),
        ("@latest", NEVER_READ, {}, (Disposition.BLOCKED, Reason.FIRST_SET)),
        ("@latest", replace(HERE, newest_message_index=9), {}, (Disposition.SATISFIED, Reason.ALREADY_FURTHER)),
        ("@latest", replace(HERE, newest_message_index=9), {"mode": Mode.EXACT}, (Disposition.BLOCKED, Reason.REWIND)),
        (
            "@latest",
            replace(HERE, newest_message_index=Unknown("500")),
            {},
            (Disposition.READ_ERROR, Reason.NEWEST_UNKNOWN),
        ),
        (11, replace(HERE, newest_message_index=Unknown("500")), {}, (Disposition.READ_ERROR, Reason.NEWEST_UNKNOWN)),
        (11, replace(HERE, conversation_state="closed"), {}, (Disposition.BLOCKED, Reason.CLOSED)),
        (10, replace(HERE, conversation_state="closed"), {}, (Disposition.NOOP, Reason.SAME)),
    ],
)
def test_what_is_not_carried_out_says_why(
    wanted: int | str, current: Present, options: dict[str, object], expected: tuple[Disposition, Reason]
) -> None:
    assert why(index(wanted, current, **options)) == expected


def test_null_is_not_zero() -> None:
    change = index(0, NEVER_READ)

    assert isinstance(change, Edit)
    assert (change.last_read_message_index, change.direction) == (0, Direction.FIRST_SET)
    assert change.undo is UndoClass.PARTIAL
    assert why(index(0, replace(HERE, last_read_message_index=0))) == (Disposition.NOOP, Reason.SAME)


def test_what_was_asked_for_by_name_is_done() -> None:
    for change, number, direction in (
        (index("@latest"), 50, Direction.ADVANCE),
        (index(3, allow_rewind=True), 3, Direction.REWIND),
        (index(90, allow_beyond_latest=True), 90, Direction.ADVANCE),
        (index("@latest", NEVER_READ, allow_first_set=True), 50, Direction.FIRST_SET),
        (index(20, replace(HERE, conversation_state="closed"), allow_closed=True), 20, Direction.ADVANCE),
    ):
        assert isinstance(change, Edit)
        assert (change.last_read_message_index, change.direction) == (number, direction)


def test_a_rewind_insists_on_what_the_plan_saw() -> None:
    change = index(3, allow_rewind=True)

    assert isinstance(change, Edit)
    assert change.precondition is PreconditionKind.EQUALS


def test_a_level_is_set_where_the_horizon_is_satisfied_and_not_where_it_is_blocked() -> None:
    desired = Update(last_read_message_index="@latest", notification_level="muted")
    change = want(desired, replace(HERE, newest_message_index=5))

    assert isinstance(change, Edit)
    assert change.fields is Fields.LEVEL
    assert (change.direction, change.precondition) == (Direction.NONE, PreconditionKind.EQUALS)
    assert why(want(Update(last_read_message_index=1, notification_level="muted")))[1] is Reason.REWIND


def test_timestamps_go_forward_are_never_in_the_future_and_are_compared_to_the_second() -> None:
    def at(moment: datetime, current: Present = HERE, options: PlanOptions = OPTIONS) -> Change:
        return want(Update(last_read_timestamp=moment), current, options)

    before = datetime(2026, 1, 1, tzinfo=UTC)
    later = at(before + timedelta(days=1))
    assert isinstance(later, Edit)
    assert (later.fields, later.undo, later.precondition) == (Fields.TIMESTAMP, UndoClass.FULL, PreconditionKind.EQUALS)
    assert why(at(before)) == (Disposition.NOOP, Reason.SAME)
    assert why(at(before, replace(HERE, last_read_timestamp=before + timedelta(milliseconds=5))))[1] is Reason.SAME
    assert why(at(before - timedelta(seconds=1)))[1] is Reason.TIMESTAMP_REWIND
    assert isinstance(at(before - timedelta(seconds=1), options=PlanOptions(allow_rewind=True)), Edit)
    assert why(at(NOW + timedelta(seconds=1))) == (Disposition.INVALID, Reason.FUTURE_TIMESTAMP)
    assert why(at(before, replace(HERE, last_read_timestamp=Unknown())))[1] is Reason.PARTICIPANT_UNKNOWN
    first = at(before, replace(HERE, last_read_timestamp=None))
    assert isinstance(first, Edit)
    assert first.undo is UndoClass.NONE


def test_a_removal_names_the_participant_and_needs_to_have_seen_it() -> None:
    assert want(Removal()) == Remove(str(HERE.participant_sid))
    assert why(want(Removal(), replace(HERE, participant_sid=None)))[1] is Reason.PARTICIPANT_UNKNOWN
    assert why(want(Removal(), replace(HERE, last_read_timestamp=Unknown())))[1] is Reason.PARTICIPANT_UNKNOWN
    assert why(want(Removal(), replace(HERE, conversation_state="closed")))[1] is Reason.CLOSED


def test_an_expectation_that_does_not_hold_blocks() -> None:
    desired = Update(notification_level="muted")

    assert why(want(desired, last_read_message_index=9)) == (Disposition.BLOCKED, Reason.EXPECTATION_FAILED)
    assert why(want(Removal(), notification_level="muted"))[1] is Reason.EXPECTATION_FAILED
    assert isinstance(want(desired, last_read_message_index=10, notification_level="default"), Edit)


def test_what_is_not_there_or_not_readable_is_no_change() -> None:
    assert why(want(Removal(), Absent(Reason.NOT_A_MEMBER))) == (Disposition.NOT_FOUND, Reason.NOT_A_MEMBER)
    assert why(want(Removal(), Unreadable("503"))) == (Disposition.READ_ERROR, Reason.UNREADABLE)


indices = st.one_of(st.none(), st.integers(0, 5))
moments = st.one_of(st.none(), st.integers(0, 5).map(lambda days: datetime(2026, 1, 1 + days, tzinfo=UTC)))
levels = st.sampled_from(["default", "muted"])
memberships = st.builds(
    replace,
    st.just(HERE),
    last_read_message_index=indices,
    notification_level=levels,
    newest_message_index=indices,
    last_read_timestamp=moments,
    conversation_state=st.sampled_from(["active", "inactive", "closed", None]),
)
desired = st.builds(
    Update,
    last_read_message_index=st.one_of(indices, st.just("@latest")),
    last_read_timestamp=moments,
    notification_level=st.one_of(st.none(), levels),
)
flags = st.booleans()
rulesets = st.builds(
    PlanOptions, mode=st.sampled_from(Mode), allow_rewind=flags, allow_first_set=flags,
    allow_beyond_latest=flags, allow_closed=flags,
)  # fmt: skip


def applied(edit: Edit, current: Present) -> Present:
    """What Twilio has when *edit* was sent."""
    fields = edit.fields
    return replace(
        current,
        last_read_message_index=edit.last_read_message_index
        if Fields.INDEX in fields
        else current.last_read_message_index,
        last_read_timestamp=edit.last_read_timestamp if Fields.TIMESTAMP in fields else current.last_read_timestamp,
        notification_level=edit.notification_level if Fields.LEVEL in fields else current.notification_level,
    )


@given(desired, memberships, rulesets)
def test_nothing_goes_back_or_beyond_unless_asked_for(desired: Update, current: Present, options: PlanOptions) -> None:
    change = want(desired, current, options)

    if isinstance(change, Edit) and change.last_read_message_index is not None:
        before, newest = current.last_read_message_index, current.newest_message_index
        assert options.allow_rewind or before is None or change.last_read_message_index > before
        assert (
            options.allow_beyond_latest
            or change.direction is Direction.REWIND
            or (isinstance(newest, int) and change.last_read_message_index <= newest)
        )
        assert (
            change.direction is not Direction.FIRST_SET
            or desired.last_read_message_index != "@latest"
            or options.allow_first_set
        )


@given(desired, memberships, rulesets)
def test_only_what_differs_is_set_and_never_nothing(desired: Update, current: Present, options: PlanOptions) -> None:
    change = want(desired, current, options)

    if isinstance(change, Edit):
        assert change.fields
        if Fields.INDEX in change.fields:
            assert change.last_read_message_index != current.last_read_message_index
        if Fields.TIMESTAMP in change.fields:
            assert change.last_read_timestamp != current.last_read_timestamp
        if Fields.LEVEL in change.fields:
            assert change.notification_level not in {current.notification_level, None}


@given(desired, memberships, rulesets)
def test_a_plan_after_its_apply_is_empty(desired: Update, current: Present, options: PlanOptions) -> None:
    change = want(desired, current, options)

    if isinstance(change, Edit):
        again = want(desired, applied(change, current), options)
        assert why(again)[0] in {Disposition.NOOP, Disposition.SATISFIED}
