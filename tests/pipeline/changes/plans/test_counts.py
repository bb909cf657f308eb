import pytest

from readstate.changes.plans.counts import PlanCounts
from readstate.errors import LocalDisk
from readstate.model.guards import MAX_EXAMPLES, GuardInputs
from readstate.model.plan import PlanRow
from tests.helpers.plans import plan_row, removal_row, skipped_row

USER, CONVERSATION = "US" + "f" * 32, "CH" + "f" * 32


def facts_of(*rows: PlanRow, conversations: int = 4) -> GuardInputs:
    counts = PlanCounts()
    for row in rows:
        counts.add(row)
    facts = counts.guard_inputs(lambda _: conversations)
    counts.close()
    return facts


def test_rows_are_counted_by_what_guards_ask_about() -> None:
    facts = facts_of(
        plan_row(0),
        plan_row(1, undo_class="partial"),
        removal_row(2),
        skipped_row(3, "not_found", "NOT_A_MEMBER"),
        skipped_row(4, "read_error", "UNREADABLE"),
    )

    assert (facts.rows, facts.updates, facts.deletes) == (5, 2, 1)
    assert (facts.not_found, facts.read_errors, facts.not_fully_undoable) == (1, 1, 2)


def test_a_user_who_loses_more_than_half_is_named() -> None:
    rows = [removal_row(number, user_sid=USER) for number in range(3)]

    assert [loss.user_sid for loss in facts_of(*rows).wiped_out_examples] == [USER]
    assert facts_of(*rows, conversations=6).wiped_out_users == 0


def test_conversations_above_the_limit_are_named_the_largest_first() -> None:
    rows = [removal_row(number, conversation_sid=CONVERSATION) for number in range(12)]
    others = [removal_row(100 + number) for number in range(5)]

    facts = facts_of(*rows, *others)

    assert facts.most_deletes_in_one_conversation == 12
    assert [(loss.conversation_sid, loss.deletes) for loss in facts.emptied_examples] == [(CONVERSATION, 12)]


def test_examples_are_few_and_their_count_is_whole() -> None:
    facts = facts_of(*(removal_row(number) for number in range(MAX_EXAMPLES + 5)), conversations=1)

    assert facts.wiped_out_users == MAX_EXAMPLES + 5
    assert len(facts.wiped_out_examples) == MAX_EXAMPLES


def test_removals_that_do_not_fit_on_the_disk_are_told() -> None:
    counts = PlanCounts()
    counts._removals.execute("PRAGMA max_page_count = 2")

    with pytest.raises(LocalDisk, match="TMPDIR"):
        for number in range(1_000):
            counts.add(removal_row(number))
