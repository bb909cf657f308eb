import pytest

from readstate.errors import ExitCode
from readstate_jobs.airflow.process.exit_codes import REACTIONS, reaction_to


@pytest.mark.parametrize(
    ("reaction", "codes"),
    [
        ("succeed", [0, 2]),
        ("fail", [10, 11, 12, 14, 16, 64]),
        ("retry", [13, 15, 20, 70, 130, 143, -9, 137, 99]),
    ],
)
def test_what_a_second_try_would_not_change_fails_at_once(reaction: str, codes: list[int]) -> None:
    assert {reaction_to(code, {}) for code in codes} == {reaction}


def test_a_task_chooses_only_about_what_finished_with_something_to_say() -> None:
    assert reaction_to(4, {4: "succeed"}) == "succeed"
    assert reaction_to(4, {4: "fail"}) == "fail"
    assert reaction_to(0, {0: "fail"}) == "succeed"


def test_every_code_has_a_reaction_except_those_that_the_task_chooses() -> None:
    assert set(REACTIONS) == set(ExitCode) - {3, 4, 5}
