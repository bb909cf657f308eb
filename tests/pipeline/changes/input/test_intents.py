from readstate.model.desired import Operation
from tests.helpers.linted import CH, US, Linted, updates


def test_every_problem_of_a_line_is_reported_not_only_the_first() -> None:
    linted = updates("..,,1.2E+05")

    assert linted.codes == ["E-DOT-SEGMENT", "E-MISSING", "E-SCIENTIFIC"]
    assert linted.statuses == ["rejected"]


def test_a_line_that_sets_nothing_is_an_error() -> None:
    assert updates(f"{US},{CH},").codes == ["E-NOTHING-TO-SET"]


def test_a_removal_that_carries_values_is_an_error() -> None:
    linted = Linted(f"user,conversation,op,notification_level\n{US},{CH},delete,muted\n")

    assert linted.codes == ["E-DELETE-WITH-VALUES"]


def test_the_operation_must_come_from_somewhere_and_agree() -> None:
    silent = Linted(f"user,conversation,last_read_message_index\n{US},{CH},1\n")
    assert (silent.staged, silent.codes) == (None, ["E-OP"])
    header = "user,conversation,op,last_read_message_index\n"

    assert Linted(f"{header}{US},{CH},,1\n").codes == ["E-OP"]
    assert Linted(f"{header}{US},{CH},remove,\n").codes == ["E-OP"]
    assert Linted(f"{header}{US},{CH},delete,\n", operation=Operation.UPDATE).codes == ["E-OP"]


def test_expectations_and_long_texts_are_checked_too() -> None:
    header = "user,conversation,last_read_message_index,expect_last_read_message_index,expect_notification_level,note"

    assert updates(f"{US},{CH},1,x,loud,{'n' * 257}", header=header).codes == ["E-INDEX", "E-LEVEL", "E-TOO-LONG"]
    assert not updates(f"{US},{CH},2,1,muted,fine", header=header).problems


def test_invisible_characters_and_fractions_are_warnings() -> None:
    header = "user,conversation,last_read_timestamp"
    linted = updates("an\u00a0na,x,2026-01-01T00:00:00.5Z", header=header)

    assert linted.codes == ["W-INVISIBLE", "W-FRACTION"]
    assert linted.problems[0].value == "an\\xa0na"
    assert linted.statuses == [None]
