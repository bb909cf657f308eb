import pytest

from readstate.changes.apply.circuit_breaker import WriteBreaker, parse_thresholds
from readstate.errors import BadInput


@pytest.mark.parametrize(
    ("answers", "last"),
    [
        ([True, True, True, True, False, True, True, True, True], True),
        ([number % 4 == 0 for number in range(49)], False),
    ],
    ids=["the fifth unclear answer in a row", "more than a fifth of the last fifty"],
)
def test_the_breaker_opens_at_the_answer_that_is_too_much(answers: list[bool], last: bool) -> None:
    breaker = WriteBreaker()
    for is_ambiguous in answers:
        breaker.record(1.0, is_ambiguous=is_ambiguous)
    assert not breaker.is_open

    breaker.record(2.0, is_ambiguous=last)

    assert breaker.opened_at == 2.0


def test_how_many_may_be_unclear_is_for_a_person_to_say() -> None:
    in_a_row, share = WriteBreaker(parse_thresholds("2,100%")), WriteBreaker(parse_thresholds("1000, 0%"))
    for breaker in (in_a_row, share):
        breaker.record(1.0, is_ambiguous=True)
        assert not breaker.is_open

    in_a_row.record(2.0, is_ambiguous=True)
    for _ in range(49):
        share.record(2.0, is_ambiguous=False)

    assert in_a_row.is_open
    assert share.is_open


@pytest.mark.parametrize("text", ["", "5", "20%", "0,20%", "5,20", "5,101%", "-1,20%", "five,20%"])
def test_what_says_no_such_thing_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_thresholds(text)


def test_once_closed_it_judges_only_what_comes() -> None:
    breaker = WriteBreaker()
    for _ in range(5):
        breaker.record(1.0, is_ambiguous=True)

    breaker.close()
    breaker.record(2.0, is_ambiguous=True)

    assert not breaker.is_open
