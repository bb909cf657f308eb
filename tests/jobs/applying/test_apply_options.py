import pytest

from readstate.changes.plans.reader import Plan
from readstate.errors import BadInput
from readstate_jobs.applying.apply_options import parse_share
from tests.helpers.bulk_changes import consent
from tests.helpers.cli_shell import Shell


@pytest.mark.parametrize(
    "flags",
    [
        ("--verify", "some"),
        ("--max-errors", "many"),
        ("--settle", "soon"),
        ("--grace", "x"),
        ("--breaker", "5"),
        ("--max-drift", "200%"),
        ("--canary-pause", "--canary", "0"),
    ],
)
def test_options_that_mean_nothing_are_refused_before_anything_happens(
    shell: Shell, plan: Plan, flags: tuple[str, ...]
) -> None:
    assert shell.call("apply", str(plan.directory), *consent(plan), *flags).code == 10
    assert shell.run_dirs() == []


def test_shares_are_percentages_or_words() -> None:
    assert [parse_share(text, "--verify") for text in ("all", "none", "5%")] == [1.0, 0.0, 0.05]
    with pytest.raises(BadInput, match="--sample 5"):
        parse_share("5", "--sample")
