from hypothesis import given
from hypothesis import strategies as st

from readstate.events import (
    Compacting,
    Message,
    Publishing,
    RequestAnswered,
    RequestLost,
    RosterComplete,
    RosterPageRead,
    RunResumed,
    UserRead,
    UsersForeseen,
)
from readstate.observers.run_counters import RunCounters
from tests.helpers.progress import counted

ANSWERED = RequestAnswered("GET", 200, 0.1, {})


@given(st.lists(st.sampled_from([200, 404, 429, 500, None])))
def test_every_attempt_is_counted_once_by_its_status(statuses: list[int | None]) -> None:
    counters = counted(
        *(
            RequestLost("GET", "/", "reset", True) if status is None else RequestAnswered("GET", status, 0.1, {})
            for status in statuses
        )
    )

    assert counters.requests == len(statuses)
    assert counters.requests_lost == statuses.count(None)
    assert counters.throttled == statuses.count(429)
    assert counters.requests_by_status == {s: statuses.count(s) for s in set(statuses) if s is not None}


def test_the_roster_grows_until_it_is_complete() -> None:
    growing = counted(RosterPageRead("IS1", 50), RosterPageRead("IS1", 3))
    assert (growing.users_listed, growing.roster_is_complete) == (53, False)

    growing.observe(RosterComplete(53))
    assert (growing.users_listed, growing.roster_is_complete) == (53, True)


def test_a_resumed_run_counts_on_from_where_it_was() -> None:
    assert counted(UsersForeseen(40), RosterPageRead("IS1", 5)).users_listed == 45
    counters = counted(
        RunResumed("r-1", 10, 30, 99), RosterPageRead("IS1", 5), UserRead("US1", 7, 1), RosterComplete(45)
    )

    assert (counters.users_done, counters.done_now, counters.users_listed) == (11, 1, 45)
    assert counters.all_rows == 106


def test_the_last_stages_are_told_by_how_far_they_are() -> None:
    counters = counted(Compacting(10, 40))
    assert (counters.stage, counters.stage_done, counters.stage_all) == ("compacting", 10, 40)

    counters.observe(Publishing(1, 4))
    assert (counters.stage, counters.stage_done, counters.stage_all) == ("publishing", 1, 4)


def test_what_it_does_not_know_changes_nothing() -> None:
    counters = counted(Message("hello"), object())

    assert all(getattr(counters, name) == getattr(RunCounters(), name) for name in RunCounters.__struct_fields__)
