"""Which exit codes a scheduler tries again."""

import pytest

from readstate.errors import ExitCode
from readstate_jobs.airflow.exit_codes import REACTIONS, reaction_to


@pytest.mark.parametrize("code", [10, 11, 12, 14, 16, 64])
def test_what_a_second_try_would_not_change_fails_at_once(code: int) -> None:
    assert reaction_to(code, {}) == "fail"


@pytest.mark.parametrize("code", [13, 15, 20, 70, 130, 143, -9, 137, 99])
def test_locks_budgets_outages_kills_and_unknown_codes_are_tried_again(code: int) -> None:
    assert reaction_to(code, {}) == "retry"


def test_what_finished_with_something_to_say_is_judged_as_chosen() -> None:
    assert reaction_to(4, {4: "succeed"}) == "succeed"
    assert reaction_to(4, {4: "fail"}) == "fail"


@pytest.mark.parametrize("code", [0, 2])
def test_what_is_done_succeeds_whatever_was_chosen(code: int) -> None:
    assert reaction_to(code, {code: "fail"}) == "succeed"


def test_every_code_has_a_reaction_except_those_that_the_task_chooses() -> None:
    assert set(REACTIONS) == set(ExitCode) - {3, 4, 5}
