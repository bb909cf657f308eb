"""The tally counts what happened, and nothing twice."""

from dataclasses import fields

from hypothesis import given
from hypothesis import strategies as st

from readstate.events import (
    Compacting,
    DuplicatesDropped,
    Message,
    PartWritten,
    Publishing,
    RequestAnswered,
    RequestLost,
    Retried,
    RetriesExhausted,
    RosterComplete,
    RosterPageRead,
    RunResumed,
    UserFailed,
    UserRead,
    UsersForeseen,
    UserVanished,
)
from readstate.observers.run_counters import RunTally

ANSWERED = RequestAnswered("GET", 200, 0.1, None)


def tally_of(*events: object) -> RunTally:
    tally = RunTally()
    for event in events:
        tally.observe(event)
    return tally


@given(st.lists(st.sampled_from([200, 404, 429, 500, None])))
def test_every_attempt_is_counted_once_by_its_status(statuses: list[int | None]) -> None:
    tally = tally_of(
        *(
            RequestLost("GET", "/", "reset", True) if status is None else RequestAnswered("GET", status, 0.1, None)
            for status in statuses
        )
    )

    assert tally.requests == len(statuses)
    assert tally.requests_lost == statuses.count(None)
    assert tally.throttled == statuses.count(429)
    assert tally.requests_by_status == {s: statuses.count(s) for s in set(statuses) if s is not None}


def test_users_are_counted_by_result_and_rows_with_them() -> None:
    tally = tally_of(
        UserRead("US1", 7, 2), UserRead("US2", 0, 1), UserVanished("US3", None), UserFailed("US4", "500", None)
    )

    assert (tally.users_read, tally.users_vanished, tally.users_failed, tally.users_done) == (2, 1, 1, 4)
    assert (tally.rows, tally.pages) == (7, 3)


def test_retries_and_parts() -> None:
    retried = Retried("GET", "/", "500", 1, 1.0, None)
    tally = tally_of(retried, retried, RetriesExhausted("GET", "/", "500", 6, None), *[PartWritten(5, 9, 100)] * 2)

    assert (tally.retries, tally.retries_exhausted, tally.parts, tally.bytes) == (2, 1, 2, 200)


def test_rows_that_came_twice() -> None:
    assert tally_of(DuplicatesDropped(3)).duplicates == 3


def test_the_roster_grows_until_it_is_complete() -> None:
    growing = tally_of(RosterPageRead("IS1", 50), RosterPageRead("IS1", 3))
    assert (growing.users_listed, growing.roster_is_complete) == (53, False)

    growing.observe(RosterComplete(53))
    assert (growing.users_listed, growing.roster_is_complete) == (53, True)


def test_a_resumed_run_counts_on_from_where_it_was() -> None:
    assert tally_of(UsersForeseen(40), RosterPageRead("IS1", 5)).users_listed == 45
    tally = tally_of(RunResumed("r-1", 10, 30, 99), RosterPageRead("IS1", 5), UserRead("US1", 7, 1), RosterComplete(45))

    assert (tally.users_done, tally.users_done_now, tally.users_listed) == (11, 1, 45)
    assert (tally.rows, tally.rows_before) == (7, 99)


def test_the_last_stages_are_told_by_how_far_they_are() -> None:
    tally = tally_of(Compacting(10, 40))
    assert (tally.stage, tally.stage_done, tally.stage_all) == ("compacting", 10, 40)

    tally.observe(Publishing(1, 4))
    assert (tally.stage, tally.stage_done, tally.stage_all) == ("publishing", 1, 4)


def test_what_it_does_not_know_changes_nothing() -> None:
    tally = tally_of(Message("hello"), object())

    assert all(getattr(tally, field.name) == getattr(RunTally(), field.name) for field in fields(RunTally))
